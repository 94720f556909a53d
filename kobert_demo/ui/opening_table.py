"""A table of sentences whose rows open in the Classification page."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from kobert_demo.ui.answer_view import clipped
from kobert_demo.ui.session import t

LONGEST_ASKED = 2_000  # characters that go into an address
FEW = 9  # rows that are shown without scrolling


def opening_table(
    texts: Sequence[str],
    classifiers: Sequence[str],
    columns: Mapping[str, Sequence[object]],
    config: Mapping[str, ColumnConfig],
    key: str,
) -> None:
    """Show sentences, each with an arrow that asks its classifier for all it says of it.

    Args:
        columns: what else stands in a row, by a name that the table is tested by.
        config: how each of these is shown.
    """
    clicked = f"{key} opened"
    frame = pd.DataFrame(
        {
            "open": [":material/arrow_outward:"] * len(texts),
            **columns,  # before the sentence, so that a phone shows them
            "sentence": [clipped(text) for text in texts],
        }
    )
    st.container(key=f"{key} table").dataframe(
        frame,
        hide_index=True,
        height="content" if len(texts) <= FEW else 360,
        column_config={
            "open": st.column_config.ButtonColumn(
                "", type="tertiary", width=40, key=clicked, help=t("Open in Classification")
            ),
            "sentence": st.column_config.TextColumn(t("Sentence"), width=420),
            **config,
        },
        key=key,
    )
    if click := st.session_state.get(clicked):
        text = " ".join(texts[click["row"]].split())[:LONGEST_ASKED]
        asked = {"classifier": classifiers[click["row"]], "text": text}
        st.switch_page("pages/classification.py", query_params=asked)
