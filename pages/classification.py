"""Type Korean sentences; see the emotion, all probabilities, and what the model read."""

from pathlib import Path

import streamlit as st

from kobert_demo.bundle import read_record
from kobert_demo.charts import percent
from kobert_demo.model_files import BUILT_IN, READY_MADE
from kobert_demo.runs import Runs
from kobert_demo.scaling import temperature_of
from kobert_demo.ui.answer_view import answer_table, answer_view, choose_sure_enough
from kobert_demo.ui.classifiers import Looked, load, predict
from kobert_demo.ui.elements import choose_in_address, page_header, plain, run_label, say_errors
from kobert_demo.ui.history import history_view, remember, restore, share
from kobert_demo.ui.inside_view import inside_view
from kobert_demo.ui.model_import import model_import
from kobert_demo.ui.report_view import session_report
from kobert_demo.ui.session import t, workspace
from kobert_demo.ui.typing import follow_typing, restart_typing, typed

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


def say_what_answered(looked: Looked, milliseconds: float) -> None:
    """Say what answered, how and how quickly; where it was the quick precision, offer the exact one."""
    precision = load(looked.model, looked.exact).precision
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            t(
                "Answered by {model} in {precision} on the CPU, in {milliseconds} ms.",
                model=plain(looked.name),
                precision=precision,
                milliseconds=f"{milliseconds:,.0f}",
            ),
            help=t("The run {run}.", run=looked.choice) if looked.choice in trained else None,
        )
        if precision != "float32" or st.session_state.get("exact"):
            st.toggle(
                t("Full precision"),
                key="exact",
                persist_state="session",
                help=t("float32: slower, and free of the small rounding of bfloat16."),
            )
        choose_sure_enough()


def where(choice: str) -> str:
    """Return what `load` takes for a run's id or a built-in classifier's name."""
    return str(runs.bundle(choice)) if choice in trained else choice


def named(choice: str) -> str:
    """Return a classifier's name for people."""
    return run_label(trained[choice]) if choice in trained else choice


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


if trained and not st.session_state.get("has runs"):
    st.session_state.pop("classifier", None)  # the ready-made model answers until there is a run
st.session_state["has runs"] = bool(trained)
with say_errors():
    choice = choose_in_address(t("Model"), [*trained, READY_MADE], "classifier", named)
    if choice == READY_MADE:
        say_what_answers()
    if imported := model_import():
        st.query_params["classifier"] = imported
        st.rerun()
    restore("sentences")
    st.session_state.setdefault("sentences", EXAMPLE)
    finished = st.text_area(
        t("Sentences, one a line"), key="sentences", height=110, persist_state="session"
    )
    st.button(t("Classify"), type="primary", icon=":material/mood:", key="classify")


@st.fragment
def follow() -> None:
    """Answer what is typed; only what is finished goes into the history."""
    if st.session_state["sentences"] != finished:  # changed by a click in here
        st.rerun()
    hint, now = st.container(), typed(finished)
    with say_errors():
        answer(now.text)
    with hint:
        follow_typing("sentences", now)


def answer(text: str) -> None:
    """Show what the chosen model says of the sentences in `text`, and what lies behind it."""
    sentences = [line.strip() for line in text.splitlines() if line.strip()]
    if not sentences:
        st.info(t("Type a sentence to see its emotion."), icon=":material/edit:")
        return
    if len(sentences) > MOST_SENTENCES:
        st.warning(
            t(
                "Only the first {most} of {count} sentences are shown; the shell classifies any number.",
                most=MOST_SENTENCES,
                count=f"{len(sentences):,}",
            )
        )
    exact = st.session_state.get("exact", False)
    with st.spinner(t("Classifying …")):
        answers = predict(where(choice), exact, sentences[:MOST_SENTENCES])
    predictions = answers.predictions
    prediction = predictions[answer_table(predictions) if len(predictions) > 1 else 0]
    looked = Looked(choice, named(choice), where(choice), exact, prediction)
    answer_view(prediction, load(looked.model, exact).labels)
    say_temperature(runs.bundle(choice) if choice in trained else BUILT_IN / choice)
    say_what_answered(looked, answers.milliseconds)
    share(choice, sentences)
    others = {other: named(other) for other in (*trained, READY_MADE) if other != choice}
    inside_view(looked, others, where, text == finished)
    if text == finished:
        remember(looked)
    session_report(choice, trained.get(choice), predictions)
    history_view()


restart_typing()
follow()
