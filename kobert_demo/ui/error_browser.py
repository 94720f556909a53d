"""The sentences worth looking at: sorted, filtered, searched; and the labels that look wrong."""

import streamlit as st

from kobert_demo.evaluation.browsing import Filter, Order, as_tsv, browse, suspects
from kobert_demo.evaluation.scoring import Scored
from kobert_demo.language import Message
from kobert_demo.ui.sentence_table import sentence_table
from kobert_demo.ui.session import language, t

ORDERS: dict[Order, Message] = {
    "confident": Message("Most confident first"),
    "uncertain": Message("Least certain first"),
    "longest": Message("Longest first"),
    "shortest": Message("Shortest first"),
    "line": Message("As in the file"),
}


@st.fragment
def error_browser(scored: Scored, run: str) -> None:
    """Let the person browse the sentences; the most confidently wrong ones come first."""
    labels, spoken = scored.data.labels, language()

    def named(place: int) -> str:
        return labels[place]

    with st.grid(4, min_column_width=200, gap="small"):
        order = st.selectbox(
            t("Order"),
            list(ORDERS),
            format_func=lambda order: ORDERS[order].in_language(spoken),
            key="browser order",
        )
        true = st.selectbox(
            t("True label"),
            range(len(labels)),
            index=None,
            format_func=named,
            placeholder=t("Any"),
            key=f"browser true {run}",
        )
        predicted = st.selectbox(
            t("Predicted"),
            range(len(labels)),
            index=None,
            format_func=named,
            placeholder=t("Any"),
            key=f"browser predicted {run}",
        )
        text = st.text_input(t("Search"), key="browser text", icon=":material/search:")
    wrong = st.toggle(t("Mistakes only"), True, key="browser wrong")
    rows = browse(scored, Filter(true, predicted, text, wrong), order)
    sentence_table(scored, rows, run, "browser")


def suspected_errors(scored: Scored, run: str) -> None:
    """Offer the sentences whose label may be wrong as a TSV."""
    rows = suspects(scored)
    st.markdown(
        t(
            "**{count} labels may be wrong**: the model is as sure of another label as it usually is of "
            "right ones. The lines are those of the file that the data came from.",
            count=f"{len(rows):,}",
        )
    )
    st.download_button(
        t("Suspected label errors as TSV"),
        lambda: as_tsv(scored, rows),
        f"suspected-label-errors-{run}.tsv",
        "text/tab-separated-values",
        icon=":material/download:",
        on_click="ignore",
        disabled=not len(rows),
        key="export suspects",
    )
