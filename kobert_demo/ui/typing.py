"""What stands in a text field while somebody types in it, before the field itself tells.

Streamlit's text area tells its text when it is left (or on Ctrl+Enter), and the whole page runs.
`typing.js` listens beside it and sends each change to the fragment it is mounted in, one at a time. The
field is not touched: it keeps focus, cursor and a syllable that is still being composed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from kobert_demo.ui.session import t

KEY = "typing"
VERSION = "typing version"

_mount = st.components.v2.component(
    "kobert_typing",
    css=".typing-hint { color: var(--st-gray-text-color); font-size: 0.875rem; word-break: keep-all; }",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Typed:
    """A text as it stands in the field.

    Attributes:
        number: what the browser knows it by; 0 where it only holds what the field told itself.
    """

    text: str
    number: int


def restart_typing() -> None:
    """Forget what was typed before the field told its text; called once in the body of a page."""
    st.session_state[VERSION] = st.session_state.get(VERSION, 0) + 1


def typed(finished: str) -> Typed:
    """Return what stands in the field now, whose last told text is `finished`."""
    state = st.session_state.get(KEY)
    found = state.get("typed") if isinstance(state, Mapping) else None
    if found and found["version"] == st.session_state[VERSION]:
        return Typed(found["text"], found["number"])
    return Typed(finished, 0)


def follow_typing(field: str, answered: Typed) -> None:
    """Say that the answer follows, and listen; the last element of a fragment to be drawn.

    Args:
        field: the key of the text area.
        answered: the text that the fragment just answered: now the browser sends the next one.
    """
    _mount(
        key=KEY,
        data={
            "field": f".st-key-{field} textarea",
            "version": st.session_state[VERSION],
            "answered": answered.number,
            "told": answered.text,
            "hint": t("The answer follows as you type; Ctrl+Enter or a click keeps it below."),
        },
        on_typed_change=lambda: None,
    )
