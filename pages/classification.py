"""Type Korean sentences; see the emotion, all probabilities, and what the model read."""

from typing import TYPE_CHECKING

import streamlit as st

from kobert_demo.model_files import built_in_classifiers
from kobert_demo.runs import Runs
from kobert_demo.ui.answer_view import answer_table, answer_view
from kobert_demo.ui.elements import (
    choose_in_address,
    empty_state,
    page_header,
    run_label,
    say_errors,
)
from kobert_demo.ui.session import t, workspace
from kobert_demo.ui.token_view import token_view

if TYPE_CHECKING:
    from kobert_demo.predictor import Prediction, Predictor

EXAMPLE = "오랜만에 친구를 만나서 정말 즐거웠어요!"
MOST_SENTENCES = 500

page_header(
    t("Classification"),
    t("Type Korean sentences and see which emotion the model finds, and what it read."),
    "mood",
)
runs = Runs(workspace())
with say_errors():
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


@st.cache_resource(max_entries=20, show_spinner=False)
def predict(model: str, sentences: tuple[str, ...]) -> "list[Prediction]":
    """Return what the classifier says; kept, so that looking at another row computes nothing."""
    return load(model).predict(sentences)


with say_errors():
    choice = choose_in_address(
        t("Model"),
        choices,
        "classifier",
        lambda choice: run_label(trained[choice]) if choice in trained else choice,
    )
    text = st.text_area(
        t("Sentences, one a line"), EXAMPLE, key="sentences", height=110, persist_state="session"
    )
    st.button(t("Classify"), type="primary", icon=":material/mood:", key="classify")
    sentences = [line.strip() for line in text.splitlines() if line.strip()]
    if not sentences:
        st.info(t("Type a sentence to see its emotion."), icon=":material/edit:")
        st.stop()
    if len(sentences) > MOST_SENTENCES:
        st.warning(
            t(
                "Only the first {most} of {count} sentences are shown; the shell classifies any number.",
                most=MOST_SENTENCES,
                count=f"{len(sentences):,}",
            )
        )
    with st.spinner(t("Classifying …"), show_time=True):
        model = str(runs.bundle(choice)) if choice in trained else choice
        predictions = predict(model, tuple(sentences[:MOST_SENTENCES]))

looked_at = predictions[answer_table(predictions) if len(predictions) > 1 else 0]
answer_view(looked_at, load(model).labels)
token_view(looked_at.encoding)
