"""Type Korean sentences; see the emotion, all probabilities, and what the model read."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from kobert_demo.charts import label_colours, percent, probability_bars
from kobert_demo.model_files import built_in_classifiers
from kobert_demo.runs import Runs
from kobert_demo.ui.elements import choose_in_address, empty_state, page_header, plain, say_errors
from kobert_demo.ui.session import t, workspace
from kobert_demo.ui.token_view import token_view

if TYPE_CHECKING:
    from kobert_demo.predictor import Prediction, Predictor

EXAMPLES = (
    "오랜만에 친구를 만나서 정말 즐거웠어요!",
    "밤길을 혼자 걷는데 누가 따라오는 것 같았어",
    "세 시간이나 기다렸는데 예약이 취소됐대요. 너무 화가 나요.",
)

page_header(
    t("Classification"),
    t("Type Korean sentences and see which emotion the model finds, and what it read."),
    "mood",
)
runs = Runs(workspace())
trained = {run.run: run for run in runs.list() if run.bundle and not run.active}
choices = [*trained, *built_in_classifiers()]
if not choices:
    empty_state(
        t("There is no trained model yet. Start a run and wait for its first epoch."),
        "pages/training.py",
        t("Train a model"),
    )
    st.stop()


@st.cache_resource(max_entries=2, show_spinner=False)
def load(model: str) -> "Predictor":
    """Return the classifier in the directory `model`; kept for all visitors."""
    from kobert_demo.predictor import Predictor  # imports torch, which no other page does

    return Predictor(model)


def describe(choice: str) -> str:
    if choice not in trained:
        return f"{choice} · {t('built in')}"
    run = trained[choice]
    return f"{run.name} · {t('macro-F1')} {run.macro_f1:.3f} · {choice}"


with say_errors():
    choice = choose_in_address(t("Model"), choices, "classifier", describe)
    text = st.text_area(
        t("Sentences, one a line"),
        EXAMPLES[0],
        key="sentences",
        height=110,
        persist_state="session",
    )
    st.button(t("Classify"), type="primary", icon=":material/mood:", key="classify")
    sentences = [line.strip() for line in text.splitlines() if line.strip()]
    if not sentences:
        st.info(t("Type a sentence to see its emotion."), icon=":material/edit:")
        st.stop()
    with st.spinner(t("Loading the model …"), show_time=True):
        predictor = load(str(runs.bundle(choice)) if choice in trained else choice)
    predictions = predictor.predict(sentences)


def table(predictions: "list[Prediction]") -> int:
    """Show all predictions in a table and return which one is looked at."""
    frame = pd.DataFrame(
        {
            t("Sentence"): [prediction.text for prediction in predictions],
            t("Emotion"): [prediction.label for prediction in predictions],
            t("Probability"): [max(p.probabilities.values()) for p in predictions],
        }
    )
    bar = st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
    chosen = st.dataframe(
        frame,
        hide_index=True,
        column_config={t("Probability"): bar},
        on_select="rerun",
        selection_mode="single-row",
        key="predictions",
    )
    st.caption(t("Choose a row to see its pieces and probabilities."))
    rows = chosen["selection"]["rows"]
    return rows[0] if rows and rows[0] < len(predictions) else 0


looked_at = predictions[table(predictions) if len(predictions) > 1 else 0]
colours = label_colours(predictor.labels)
left, right = st.columns([2, 3], gap="large")
with left:
    st.text(looked_at.text)
    st.metric(
        t("Emotion"),
        plain(looked_at.label),
        percent(looked_at.probabilities[looked_at.label]),
        delta_color="off",
        delta_arrow="off",
    )
with right:
    st.plotly_chart(
        probability_bars(looked_at.probabilities, colours),
        config={"displayModeBar": False},
        alt=t("The probability of each label"),
    )
token_view(looked_at.encoding)
