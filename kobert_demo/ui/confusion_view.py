"""The confusion matrix; a click on a cell lists its sentences."""

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from kobert_demo.evaluation.browsing import Filter, browse
from kobert_demo.evaluation.scoring import Scored
from kobert_demo.ui.elements import plain
from kobert_demo.ui.sentence_table import sentence_table
from kobert_demo.ui.session import t

RIGHT, WRONG = "104,149,244", "216,96,105"  # red, green, blue
OPAQUE = 0.85  # at most, so that the numbers stay readable on light and dark
ROW_PIXELS, MOST_ROWS = 35, 16


@st.fragment
def confusion_view(scored: Scored, run: str) -> None:
    """Show the matrix as counts or as shares of its rows, and the sentences of the chosen cell."""
    labels = scored.data.labels
    as_share = (
        st.segmented_control(
            t("Cells"),
            ("counts", "shares"),
            format_func=lambda way: t("Counts") if way == "counts" else t("Share of the row"),
            default="counts",
            required=True,
            key="matrix cells",
            label_visibility="collapsed",
        )
        == "shares"
    )
    st.caption(
        t("Rows are true labels, columns are predicted ones. Click a cell to see its sentences.")
    )
    shares = scored.counts / np.maximum(scored.counts.sum(1, keepdims=True), 1)
    frame = pd.DataFrame(
        100 * shares if as_share else scored.counts, index=list(labels), columns=list(labels)
    )
    chosen = st.container(key="matrix").dataframe(
        frame.style.apply(lambda _: _colours(shares), axis=None),
        height="content" if len(labels) <= MOST_ROWS else ROW_PIXELS * (MOST_ROWS + 1),
        column_config={
            label: st.column_config.NumberColumn(
                format="%.1f%%" if as_share else "localized", alignment="center", width=84
            )
            for label in labels
        },
        on_select="rerun",
        selection_mode="single-cell",
        key=f"matrix {run}",
        alt=t("Confusion matrix"),
    )
    cells = chosen["selection"]["cells"]
    if not cells:
        return
    true, name = cells[0]
    said = labels.index(name)
    st.markdown(
        t(
            "**True label {true}, predicted {predicted}**",
            true=plain(labels[true]),
            predicted=plain(name),
        )
    )
    rows = browse(scored, Filter(true=true, predicted=said), "confident")
    sentence_table(scored, rows, run, "cell")


def _colours(shares: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return the CSS of each cell: the larger its share of the row, the stronger."""
    right = np.eye(len(shares), dtype=bool)
    return np.array(
        [
            [
                f"background-color: rgba({RIGHT if same else WRONG},{OPAQUE * share:.3f})"
                for share, same in zip(row, own, strict=True)
            ]
            for row, own in zip(shares.tolist(), right.tolist(), strict=True)
        ]
    )
