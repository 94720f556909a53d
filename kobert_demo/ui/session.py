"""What every page knows about its visitor: the language, the workspace, the data chosen so far."""

import os
from pathlib import Path

import streamlit as st

from kobert_demo.language import Language, language_of, translate

DEFAULT_WORKSPACE = "workspace"


def language() -> Language:
    """Return the language chosen in the sidebar, before that the browser's."""
    chosen: Language | None = st.session_state.get("lang")
    return chosen or language_of(st.context.locale)


def t(text: str, /, **values: object) -> str:
    """Return the English sentence `text` in the visitor's language, filled with `values`."""
    return translate(text, language(), **values)


def workspace() -> Path:
    """Return the directory that holds datasets and runs (`KOBERT_DEMO_WORKSPACE`)."""
    return Path(os.environ.get("KOBERT_DEMO_WORKSPACE") or DEFAULT_WORKSPACE).resolve()


def base_path() -> str:
    """Return the path below which the app is served (`server.baseUrlPath`): `/kobert`, or nothing."""
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"/{base}" if base else ""
