"""What the model read of a sentence: its pieces, ids, masks and padding."""

import html

import numpy as np
import pandas as pd
import streamlit as st

from kobert_demo.encoding import Encoding
from kobert_demo.ui.session import t

CHIP = (
    "display:inline-flex;flex-direction:column;align-items:center;padding:0.15rem 0.45rem;"
    "border-radius:0.4rem;border:1px solid rgba(128,136,150,0.35);line-height:1.35;"
)
READ, SPECIAL, UNKNOWN, PADDING = (
    "background:rgba(104,149,244,0.14);",
    "background:rgba(128,136,150,0.18);",
    "background:rgba(216,96,105,0.25);",
    "opacity:0.45;border-style:dashed;",
)
SHOWN_PADDING = 3  # chips; the table below shows all of it


def token_view(encoding: Encoding) -> None:
    """Show the pieces as chips, as a table, and as the three arrays of the notebook."""
    padding = encoding.max_length - encoding.valid_length
    st.markdown(f"##### {t('What the model read')}")
    st.caption(
        t(
            "{pieces} pieces with [CLS] and [SEP]; {padding} times [PAD] fill up to {max_length}. The "
            "attention mask is 1 on what is read and 0 on padding.",
            pieces=f"{encoding.valid_length:,}",
            padding=f"{padding:,}",
            max_length=f"{encoding.max_length:,}",
        )
    )
    if encoding.cut:
        st.warning(
            t("{count} pieces did not fit into {max_length} and were cut.", count=f"{encoding.cut:,}",
              max_length=encoding.max_length),
            icon=":material/content_cut:",
        )  # fmt: skip
    st.html(_chips(encoding))
    with st.expander(t("Token table"), expanded=True, icon=":material/table_rows:"):
        st.dataframe(_table(encoding), hide_index=True, height=320)
    with st.expander(t("The arrays as in the notebook"), icon=":material/data_array:"):
        padded = encoding.padded()
        arrays = (
            (t("Padded ids"), np.array(padded["input_ids"], np.int32)),
            (t("Valid length"), np.array(padded["valid_length"], np.int32)),
            (t("Segment ids"), np.array(padded["token_type_ids"], np.int32)),
        )
        for name, array in arrays:
            st.caption(name)
            st.code(repr(array), language=None)


def _chips(encoding: Encoding) -> str:
    padding = encoding.max_length - encoding.valid_length
    chips = [
        _chip(token, str(number), _look(token, encoding))
        for token, number in zip(encoding.tokens, encoding.input_ids, strict=True)
    ]
    shown = min(padding, SHOWN_PADDING)
    chips += [_chip(encoding.pad_token, str(encoding.pad_id), PADDING)] * shown
    if padding > shown:
        chips.append(_chip(f"+{padding - shown}", encoding.pad_token, PADDING))
    return f'<div style="display:flex;flex-wrap:wrap;gap:0.35rem">{"".join(chips)}</div>'


def _look(token: str, encoding: Encoding) -> str:
    if token in (encoding.tokens[0], encoding.tokens[-1]):
        return SPECIAL
    return UNKNOWN if token == "[UNK]" else READ


def _chip(token: str, below: str, look: str) -> str:
    return (
        f'<span style="{CHIP}{look}"><span>{html.escape(token)}</span>'
        f'<span style="font-size:0.7rem;opacity:0.65">{html.escape(below)}</span></span>'
    )


def _table(encoding: Encoding) -> pd.DataFrame:
    padded = encoding.padded()
    return pd.DataFrame(
        {
            t("Position"): range(encoding.max_length),
            t("Piece"): padded["tokens"],
            "id": padded["input_ids"],
            "attention_mask": padded["attention_mask"],
            "token_type_ids": padded["token_type_ids"],
        }
    )
