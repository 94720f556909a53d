"""An 어절 or a piece taken out or replaced, and how the probabilities move."""

import streamlit as st

from kobert_demo.attribution_charts import paired_bars
from kobert_demo.charts import percent
from kobert_demo.ui.answer_view import clipped
from kobert_demo.ui.classifiers import Looked, load, predict, reading
from kobert_demo.ui.clickable_sentence import clickable_sentence, segments_of
from kobert_demo.ui.coloured_sentence import piece_looks
from kobert_demo.ui.elements import plain
from kobert_demo.ui.session import t

CHOSEN = "part chosen"  # the sentence, and the number of its part


def what_if(looked: Looked) -> None:
    """Let a part of the sentence be clicked, removed or replaced; show the answers side by side."""
    where = reading(looked.model, looked.prediction.text)
    by_piece = st.segmented_control(
        t("Part"),
        (False, True),
        format_func=lambda piece: t("Piece") if piece else t("Word (어절)"),
        default=False,
        required=True,
        key="what if by piece",
        label_visibility="collapsed",
    )
    read = [span for span in where.spans if span.pieces[0] <= where.kept]
    parts = (
        [(span.start, span.end) for span in read]
        if by_piece
        else [where.words[number] for number in where.read_words]
    )
    of = (bool(by_piece), looked.model, where.text)
    before, number = st.session_state.get(CHOSEN, (of, None))
    chosen = number if before == of else None

    def choose(part: int) -> None:  # once more: none
        st.session_state[CHOSEN] = (of, None if part == chosen else part)

    unk_id = load(looked.model, looked.exact).vocabulary.unk_id
    looks = piece_looks(where, looked.prediction.encoding.input_ids, unk_id)
    told = t("Click what to take out or to replace")
    st.caption(told)
    clickable_sentence("what if parts", told, segments_of(where, parts, looks), chosen, choose)
    if chosen is None:
        return
    instead = st.text_input(
        t("What to put in its place"),
        key="instead",
        placeholder=t("Nothing: it is taken out"),
        max_chars=200,
    )
    start, end = parts[chosen]
    changed = " ".join(f"{where.text[:start]}{instead}{where.text[end:]}".split())
    if not changed:
        st.info(t("Nothing is left of the sentence."), icon=":material/edit:")
        return
    _side_by_side(looked, changed)


def _side_by_side(looked: Looked, changed: str) -> None:
    before = looked.prediction
    (after,) = predict(looked.model, looked.exact, (changed,)).predictions
    st.text(clipped(changed))
    st.markdown(
        t(
            "**{before}** {share} → **{after}** {new_share}",
            before=plain(before.label),
            share=percent(before.probabilities[before.label]),
            after=plain(after.label),
            new_share=percent(after.probabilities[after.label]),
        )
    )
    labels = sorted(before.probabilities, key=lambda label: -before.probabilities[label])
    st.plotly_chart(
        paired_bars(
            labels,
            {
                t("Before the change"): [before.probabilities[label] for label in labels],
                t("After the change"): [after.probabilities[label] for label in labels],
            },
            share=True,
        ),
        config={"displayModeBar": False},
        alt=t("The probabilities before and after"),
    )
    st.button(
        t("Go on with this sentence"),
        icon=":material/arrow_upward:",
        key="go on",
        on_click=_take_over,
        args=(before.text, changed),
    )


def _take_over(before: str, after: str) -> None:
    """Put the changed sentence in the place of the one it was; the others stay."""
    lines = st.session_state["sentences"].splitlines()
    st.session_state["sentences"] = "\n".join(
        after if line.strip() == before else line for line in lines
    )
