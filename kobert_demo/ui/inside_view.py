"""What lies behind an answer: only the view that is chosen is computed."""

from collections.abc import Callable, Mapping

import streamlit as st

from kobert_demo.language import Message
from kobert_demo.ui.attention_view import attention_view
from kobert_demo.ui.attribution_view import attribution_view
from kobert_demo.ui.classifiers import Looked
from kobert_demo.ui.session import language, t
from kobert_demo.ui.token_view import token_view
from kobert_demo.ui.two_models import two_models
from kobert_demo.ui.what_if import what_if

VIEWS = {
    "pieces": Message("What the model read"),
    "attribution": Message("Attribution"),
    "what if": Message("What if"),
    "attention": Message("Attention"),
    "two": Message("Two models"),
}


def inside_view(
    looked: Looked, others: Mapping[str, str], where: Callable[[str], str], finished: bool
) -> None:
    """Let one view of the sentence be chosen, and show it.

    Args:
        finished: whether the sentence is; only the pieces are quick enough to follow each letter.
        others: id of each other classifier -> its name; `where` gives what `load` takes for an id.
    """
    st.session_state.setdefault("look", "pieces")
    view = st.segmented_control(
        t("Look inside"),
        VIEWS,
        format_func=lambda name: VIEWS[name].in_language(language()),
        required=True,
        key="look",
        persist_state="session",
    )
    if view == "pieces":
        token_view(looked)
    elif not finished:
        st.caption(t("This follows when the sentence is finished: Ctrl+Enter, or a click."))
    elif view == "attribution":
        attribution_view(looked)
    elif view == "what if":
        what_if(looked)
    elif view == "attention":
        attention_view(looked)
    else:
        two_models(looked, others, where)
