"""What a classifier says of sentences: the emotion first, then all probabilities."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from kobert_demo.charts import label_colours, percent
from kobert_demo.ui.session import t

if TYPE_CHECKING:
    from kobert_demo.predictor import Prediction

SHOWN_CHARACTERS = 300
SURE_ENOUGH = 50  # per cent; below it an honest confidence is more often wrong than right
ANSWER = (
    '<div style="display:flex;align-items:baseline;gap:0.6rem;flex-wrap:wrap">'
    '<span style="font-size:2rem;font-weight:650;line-height:1.25;overflow-wrap:anywhere;'
    'border-bottom:0.25rem solid {colour}">{label}</span>'
    '<span style="font-size:1.25rem;opacity:0.75">{share}</span></div>'
)
BARS = (
    '<div class="probabilities" role="img" aria-label="{told}" style="display:grid;align-items:center;'
    'grid-template-columns:fit-content(9rem) 1fr;gap:0.55rem 0.75rem;font-size:0.9rem">{rows}</div>'
)
# The room at the right, 3.5rem, is that of the longest share behind the longest bar.
BAR = (
    '<span style="overflow:hidden;text-overflow:ellipsis;white-space:nowrap;text-align:right" '
    'title="{label}"><bdi>{label}</bdi></span>'
    '<span style="display:flex;align-items:center;gap:0.5rem;font-variant-numeric:tabular-nums">'
    '<span style="width:calc((100% - 3.5rem) * {width:.4f});min-width:2px;height:1.25rem;flex:none;'
    'background:{colour};border-radius:0.2rem"></span>{share}</span>'
)
NOT_SURE = (
    '<div style="font-size:2rem;font-weight:650;line-height:1.25">{unsure}</div>'
    '<div style="font-size:1.05rem;opacity:0.8">{nearest} '
    '<span style="font-weight:600;overflow-wrap:anywhere;border-bottom:0.15rem solid {colour}">{label}'
    "</span> {share}</div>"
)


def sure_enough() -> float:
    """Return the probability, 0 to 1, below which the visitor wants an answer called not sure."""
    return float(st.session_state.get("sure enough", SURE_ENOUGH)) / 100


def choose_sure_enough() -> None:
    """Let the visitor set it."""
    st.session_state.setdefault("sure enough", SURE_ENOUGH)
    st.slider(
        t("Not sure below (%)"),
        min_value=0,
        max_value=100,
        step=5,
        key="sure enough",
        persist_state="session",
        width=260,
        help=t("An answer with a smaller probability is called not sure; 0 never says so."),
    )


def answer_table(predictions: "Sequence[Prediction]") -> int:
    """Show all answers in a table and return which one is looked at."""
    share = t("Probability (%)")
    frame = pd.DataFrame(
        {
            t("Emotion"): [
                prediction.label
                if prediction.probabilities[prediction.label] >= sure_enough()
                else t("Not sure ({label})", label=prediction.label)
                for prediction in predictions
            ],
            share: [100 * max(p.probabilities.values()) for p in predictions],
            t("Sentence"): [clipped(prediction.text) for prediction in predictions],
        }
    )
    bar = st.column_config.ProgressColumn(width=115, format="%.1f", min_value=0, max_value=100)
    chosen = st.dataframe(
        frame,
        hide_index=True,
        column_config={share: bar, t("Emotion"): st.column_config.TextColumn(width=115)},
        on_select="rerun",
        selection_mode="single-row",
        key="predictions",
    )
    st.caption(t("Choose a row to see its pieces and probabilities."))
    rows = chosen["selection"]["rows"]
    return rows[0] if rows and rows[0] < len(predictions) else 0


def answer_view(prediction: "Prediction", labels: Sequence[str]) -> None:
    """Show the emotion of one sentence and the probability of each of the model's `labels`."""
    colours, confidence = label_colours(labels), prediction.probabilities[prediction.label]
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.html(
            (ANSWER if confidence >= sure_enough() else NOT_SURE).format(
                colour=colours[prediction.label],
                label=html.escape(prediction.label),
                share=percent(confidence),
                unsure=t("Not sure"),
                nearest=t("The nearest label:"),
            )
        )
        st.text(clipped(prediction.text))
        if not prediction.encoding.readable:
            st.warning(
                t("The model could read nothing of this sentence, so its answer means nothing."),
                icon=":material/visibility_off:",
            )
    with right:
        st.html(_bars(prediction.probabilities, colours))


def _bars(probabilities: Mapping[str, float], colours: Mapping[str, str]) -> str:
    """Return the probabilities as bars in HTML, the largest on top.

    (A chart would be drawn anew with each letter that is typed; these change where they stand.)
    """
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    rows = (
        BAR.format(
            label=html.escape(label), width=value, colour=colours[label], share=percent(value)
        )
        for label, value in ranked
    )
    return BARS.format(told=t("The probability of each label"), rows="".join(rows))


def clipped(text: str) -> str:
    """Return a text that does not push everything else away."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} …"
