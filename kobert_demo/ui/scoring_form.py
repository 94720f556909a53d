"""What is to be scored: the file, how it is read, and how the answers are written."""

import time
from pathlib import Path

import streamlit as st

from kobert_demo.file_scoring import choose_layout
from kobert_demo.reading import Format
from kobert_demo.scored_rows import Layout
from kobert_demo.scoring_state import Order
from kobert_demo.ui.dataset_form import (
    choose_detected,
    column_titles,
    detected_format,
    format_form,
    show_sample,
)
from kobert_demo.ui.dataset_source import Source, uploaded
from kobert_demo.ui.session import t

NO_LABELS = -1


def scoring_form(classifier: str, model: str) -> Order | None:
    """Ask for a file and how to score it; return what is to be done once Start was pressed.

    Raises:
        DataError: the file is not text, or is empty.
    """
    source = uploaded("scored file", t("File"))
    if source is None:
        st.info(
            t("Choose a file with a sentence on each line; other columns stay as they are."),
            icon=":material/upload_file:",
        )
        return None
    settings, shown = st.columns([2, 3], gap="medium")
    with settings:
        how = format_form(f"score {source.path.name}", detected_format(source.path))
    with shown:
        show_sample(source, how)
    with settings:
        text, label = _columns(source, how)
    with st.container(horizontal=True, gap="large"):
        guard = st.checkbox(
            t("Guard cells for spreadsheets"),
            key="score guard",
            persist_state="session",
            help=t(
                "An apostrophe before cells that begin with =, +, - or @ keeps Excel and others from "
                "computing them. Without it, the original cells stay exactly as they are."
            ),
        )
        exact = st.checkbox(
            t("Full precision"),
            key="score exact",
            persist_state="session",
            help=t("float32: slower, and free of the small rounding of bfloat16."),
        )
    if not st.button(
        t("Start scoring"), type="primary", icon=":material/play_arrow:", key="start scoring"
    ):
        return None
    return Order(
        path=str(source.path),
        name=source.name,
        classifier=classifier,
        model=model,
        how=how,
        text=text,
        label=label,
        guard=guard,
        created=time.time(),
        exact=exact,
    )


@st.cache_data(show_spinner=False, max_entries=20)
def _found(path: Path, how: Format) -> Layout:
    """Return the columns that a file seems to have; its path says all about what is in it."""
    return choose_layout(path, how, (), path)


def _columns(source: Source, how: Format) -> tuple[int, int | None]:
    """Let the person choose the column of the sentences and that of their labels, if there is one."""
    names = column_titles(source, how)
    found, key = _found(source.path, how), f"score {how} {source.path.name}"
    left, right = st.columns(2, wrap=False)
    with left:
        text = choose_detected(
            t("Sentence column"), range(len(names)), found.text, names.__getitem__, f"text {key}"
        )
    with right:
        label = choose_detected(
            t("Label column"),
            [NO_LABELS, *range(len(names))],
            NO_LABELS if found.label is None else found.label,
            lambda place: t("None") if place == NO_LABELS else names[place],
            f"label {key}",
        )
    return text, None if label == NO_LABELS else label
