"""What the model read of a sentence: its pieces where they stand, their ids, masks and padding."""

import html

import numpy as np
import pandas as pd
import streamlit as st

from kobert_demo.encoding import Encoding
from kobert_demo.offsets import Reading, Span
from kobert_demo.ui.attribution_view import attributed
from kobert_demo.ui.classifiers import Looked, load, reading
from kobert_demo.ui.coloured_sentence import coloured_sentence, piece_looks, shown_until
from kobert_demo.ui.elements import plain
from kobert_demo.ui.session import t

CHIP = (
    "display:inline-flex;flex-direction:column;align-items:center;padding:0.15rem 0.45rem;"
    "border-radius:0.4rem;border:1px solid rgba(128,136,150,0.35);line-height:1.35;"
)
SPECIAL = "background:rgba(128,136,150,0.18);"
PADDING = "opacity:0.45;border-style:dashed;"


def token_view(looked: Looked) -> None:
    """Show the pieces in the sentence, as chips, as a table, and as the three arrays of the notebook."""
    encoding = looked.prediction.encoding
    where = reading(looked.model, looked.prediction.text)
    unk_id = load(looked.model, looked.exact).vocabulary.unk_id
    padding = encoding.max_length - encoding.valid_length
    st.caption(
        t(
            "{pieces} pieces with [CLS] and [SEP]; {padding} times [PAD] fill up to {max_length}. The "
            "attention mask is 1 on what is read and 0 on padding.",
            pieces=f"{encoding.valid_length:,}",
            padding=f"{padding:,}",
            max_length=f"{encoding.max_length:,}",
        )
    )
    _say_what_is_missing(encoding, where, unk_id)
    looks = piece_looks(where, encoding.input_ids, unk_id)
    st.html(
        coloured_sentence(
            where,
            lambda span: looks[span.pieces[0]],
            lambda span: " ".join(encoding.tokens[piece] for piece in _read(span, where)),
        )
    )
    st.html(_chips(encoding, looks))
    _table(looked, where)
    _arrays(encoding)


def _read(span: Span, where: Reading) -> list[int]:
    return [piece for piece in span.pieces if piece <= where.kept]


def _say_what_is_missing(encoding: Encoding, where: Reading, unk_id: int) -> None:
    if encoding.cut:
        st.warning(
            t("{count} pieces did not fit into {max_length} and were cut.", count=f"{encoding.cut:,}",
              max_length=encoding.max_length),
            icon=":material/content_cut:",
        )  # fmt: skip
    if hidden := len(where.text) - shown_until(where):
        st.caption(t("{count} more characters of what was cut are not shown.", count=f"{hidden:,}"))
    if unknown := encoding.input_ids.count(unk_id):
        st.caption(
            t(
                ":red-badge[UNK] Not in the vocabulary, so that the model cannot tell them apart: {count}.",
                count=unknown,
            )
        )


def _chips(encoding: Encoding, looks: dict[int, str]) -> str:
    padding = encoding.max_length - encoding.valid_length
    chips = [
        _chip(token, str(number), looks.get(position, SPECIAL))
        for position, (token, number) in enumerate(
            zip(encoding.tokens, encoding.input_ids, strict=True)
        )
    ]
    if padding:
        chips.append(_chip(f"{encoding.pad_token} × {padding:,}", str(encoding.pad_id), PADDING))
    return (
        '<div class="token-chips" style="display:flex;flex-wrap:wrap;gap:0.35rem">'
        f"{''.join(chips)}</div>"
    )


def _chip(token: str, below: str, look: str) -> str:
    return (
        f'<span style="{CHIP}{look}"><bdi>{html.escape(token)}</bdi>'
        f'<span style="font-size:0.7rem;opacity:0.65">{html.escape(below)}</span></span>'
    )


def _table(looked: Looked, where: Reading) -> None:
    encoding, label = looked.prediction.encoding, looked.prediction.label
    with st.expander(t("Token table"), expanded=True, icon=":material/table_rows:"):
        with st.container(horizontal=True):
            padded = st.toggle(
                t(
                    "Show {count} rows of padding",
                    count=encoding.max_length - encoding.valid_length,
                ),
                key="padding rows",
                persist_state="session",
            )
            with_attribution = st.toggle(
                t("Attribution for {label}", label=plain(label)),
                key="attribution column",
                persist_state="session",
            )
        rows = encoding.max_length if padded else encoding.valid_length
        columns = {name: values for name, values in encoding.padded().items() if name != "tokens"}
        typed, words = [""] * encoding.max_length, [""] * encoding.max_length
        for span in where.spans:
            for piece in _read(span, where):
                typed[piece] = where.text[span.start : span.end]
                words[piece] = str(span.word + 1)
        frame = pd.DataFrame(
            {
                t("Position"): range(encoding.max_length),
                t("Piece"): encoding.padded()["tokens"],
                t("As typed"): typed,
                t("Word (어절)"): words,
                "id": columns["input_ids"],
                "attention_mask": columns["attention_mask"],
                "token_type_ids": columns["token_type_ids"],
            }
        )
        if with_attribution:
            found = attributed(looked.model, looked.prediction.text, label)
            frame[t("Attribution")] = pd.Series(found.pieces)
        st.dataframe(frame[:rows], hide_index=True, height=320)


def _arrays(encoding: Encoding) -> None:
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
