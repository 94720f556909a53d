"""Type Korean sentences; see the emotion, all probabilities, and what the model read."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from kobert_demo.bundle import read_record
from kobert_demo.charts import percent
from kobert_demo.model_files import BUILT_IN, READY_MADE
from kobert_demo.runs import Runs
from kobert_demo.scaling import temperature_of
from kobert_demo.ui.answer_view import answer_table, answer_view
from kobert_demo.ui.elements import (
    choose_in_address,
    page_header,
    run_label,
    say_errors,
)
from kobert_demo.ui.model_import import model_import
from kobert_demo.ui.report_view import session_report
from kobert_demo.ui.session import t, workspace
from kobert_demo.ui.token_view import token_view

if TYPE_CHECKING:
    from kobert_demo.predictor import Prediction, Predictor

LONGEST_ASKED = 2_000  # characters in an address
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


def say_what_answers() -> None:
    """Say what the ready-made model is and how often it is right."""
    measured = read_record(BUILT_IN / READY_MADE)["measured"]
    st.caption(
        t(
            "A small model that comes with the app, so that you can try it at once: right on {everyday} "
            "of {count} everyday sentences and on {comments} of the online comments it never saw. It is "
            "a demonstration and no judge of people; train your own on your sentences.",
            everyday=percent(measured["everyday"]["accuracy"]),
            count=measured["everyday"]["sentences"],
            comments=percent(measured["comments"]["accuracy"]),
        )
    )


def say_precision(precision: str) -> None:
    """Say in which precision the model answered, and where it was the quick one, offer the exact one."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(t("Answered in {precision} on the CPU.", precision=precision))
        if precision != "float32" or st.session_state.get("exact"):
            st.toggle(
                t("Full precision"),
                key="exact",
                persist_state="session",
                help=t("float32: slower, and free of the small rounding of bfloat16."),
            )


def say_temperature(bundle: Path) -> None:
    """Say by what the confidence is scaled, where it is."""
    if (temperature := temperature_of(bundle)) != 1:
        st.caption(
            t(
                "The confidence is scaled with the temperature {temperature}, fitted on sentences that "
                "were not trained on.",
                temperature=f"{temperature:.3g}",
            )
        )


@st.cache_resource(max_entries=2, show_spinner=False)
def load(model: str, exact: bool) -> "Predictor":
    """Return the classifier in the directory `model`; kept for all visitors."""
    from kobert_demo.predictor import Predictor  # imports torch, which no other page does

    return Predictor(model, exact)


@st.cache_resource(max_entries=20, show_spinner=False)
def predict(model: str, exact: bool, sentences: tuple[str, ...]) -> "list[Prediction]":
    """Return what the classifier says; kept, so that looking at another row computes nothing."""
    return load(model, exact).predict(sentences)


if trained and not st.session_state.get("has runs"):
    st.session_state.pop("classifier", None)  # the ready-made model answers until there is a run
st.session_state["has runs"] = bool(trained)
with say_errors():
    choice = choose_in_address(
        t("Model"),
        [*trained, READY_MADE],
        "classifier",
        lambda choice: run_label(trained[choice]) if choice in trained else choice,
    )
    if choice == READY_MADE:
        say_what_answers()
    if imported := model_import():
        st.query_params["classifier"] = imported
        st.rerun()
    if asked := st.query_params.pop("text", None):  # from another page, or a link
        st.session_state["sentences"] = " ".join(asked.split())[:LONGEST_ASKED]
    st.session_state.setdefault("sentences", EXAMPLE)
    text = st.text_area(
        t("Sentences, one a line"), key="sentences", height=110, persist_state="session"
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
    with st.spinner(t("Classifying …")):
        model = str(runs.bundle(choice)) if choice in trained else choice
        exact = st.session_state.get("exact", False)
        predictions = predict(model, exact, tuple(sentences[:MOST_SENTENCES]))

looked_at = predictions[answer_table(predictions) if len(predictions) > 1 else 0]
answer_view(looked_at, load(model, exact).labels)
with say_errors():
    say_temperature(runs.bundle(choice) if choice in trained else BUILT_IN / choice)
say_precision(load(model, exact).precision)
token_view(looked_at.encoding)
session_report(choice, trained.get(choice), predictions)
