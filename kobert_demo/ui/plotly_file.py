"""plotly.js as a file that the browser can fetch: the live chart draws with it."""

import filecmp
import os
import shutil
from pathlib import Path

import plotly
import streamlit as st

from kobert_demo.ui.session import base_path

NAME = "plotly.min.js"
STATIC = Path(__file__).parents[2] / "static"


@st.cache_resource(show_spinner=False)
def publish_plotly(static: Path = STATIC) -> None:
    """Copy plotly.js from the installed package to the served folder, where it differs there."""
    packaged, served = Path(plotly.__file__).parent / "package_data" / NAME, static / NAME
    if served.exists() and filecmp.cmp(packaged, served, shallow=False):
        return
    partial = served.with_suffix(f".{os.getpid()}")
    shutil.copyfile(packaged, partial)
    partial.replace(served)


def plotly_url() -> str:
    """Return the path, from the server's root, at which the browser finds plotly.js."""
    return f"{base_path()}/app/static/{NAME}?v={plotly.__version__}"
