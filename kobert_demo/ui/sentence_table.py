"""Sentences with what a model says of them; each opens in the Classification page."""

import pandas as pd
import streamlit as st

from kobert_demo.evaluation.scoring import Rows, Scored
from kobert_demo.ui.answer_view import clipped
from kobert_demo.ui.session import t

MOST_SHOWN = 300
LONGEST_ASKED = 2_000  # characters that go into an address


def sentence_table(scored: Scored, rows: Rows, run: str, key: str) -> None:
    """Show sentences in the order given; a click on one's arrow opens it with its run."""
    shown = rows[:MOST_SHOWN].tolist()
    count = f"{len(rows):,}"
    st.caption(
        t("{count} sentences.", count=count)
        if len(shown) == len(rows)
        else t("The first {shown} of {count} sentences.", shown=len(shown), count=count)
    )
    if not shown:
        return
    labels, data = scored.data.labels, scored.data
    clicked = f"{key} opened"
    frame = pd.DataFrame(
        {
            "open": [":material/arrow_outward:"] * len(shown),
            "sentence": [clipped(data.texts[row]) for row in shown],
            "label": [labels[scored.true[row]] for row in shown],
            "predicted": [labels[scored.predicted[row]] for row in shown],
            "confidence": [100 * scored.confidence[row] for row in shown],
            "length": scored.lengths[shown],
            "line": data.lines[shown],
        }
    )
    st.container(key=f"{key} table").dataframe(
        frame,
        hide_index=True,
        height="content" if len(shown) < 9 else 340,
        column_config={
            "open": st.column_config.ButtonColumn(
                "", type="tertiary", width=40, key=clicked, help=t("Open in Classification")
            ),
            "sentence": st.column_config.TextColumn(t("Sentence"), width=420),
            "label": st.column_config.TextColumn(t("Label")),
            "predicted": st.column_config.TextColumn(t("Predicted")),
            "confidence": st.column_config.NumberColumn(t("Confidence"), format="%.1f%%"),
            "length": st.column_config.NumberColumn(t("Characters")),
            "line": st.column_config.NumberColumn(t("Line"), format="%d"),
        },
        key=key,
    )
    if click := st.session_state.get(clicked):
        text = " ".join(data.texts[shown[click["row"]]].split())[:LONGEST_ASKED]
        st.switch_page("pages/classification.py", query_params={"classifier": run, "text": text})
