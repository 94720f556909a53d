"""How good a run's model is, and where it is wrong."""

import streamlit as st

from kobert_demo.runs import Runs
from kobert_demo.ui.calibration_view import calibration_view
from kobert_demo.ui.confusion_view import confusion_view
from kobert_demo.ui.elements import (
    choose_in_address,
    empty_state,
    page_header,
    run_label,
    say_errors,
)
from kobert_demo.ui.error_browser import error_browser, suspected_errors
from kobert_demo.ui.evaluation_source import choose_subject, evaluated
from kobert_demo.ui.evaluation_view import answer, exports, figures, slice_table
from kobert_demo.ui.label_view import course_of, label_course, label_table
from kobert_demo.ui.session import t, workspace

page_header(
    t("Evaluation"),
    t("How good a trained model is, and where it is wrong."),
    "fact_check",
)
runs = Runs(workspace())
with say_errors():
    trained = {run.run: run for run in runs.list() if run.bundle and not run.active}
if not trained:
    empty_state(
        t("There is no trained model to evaluate yet. Train one first."),
        "pages/training.py",
        t("Train a model"),
    )
    st.stop()

with say_errors():
    chosen = choose_in_address(
        t("Run"), list(trained), "evaluated", lambda id: run_label(trained[id])
    )
    run = trained[chosen]
    subject = choose_subject(runs, run)
    summary = evaluated(subject)
    past = course_of(runs, run)

answer(subject, summary)
figures(summary)
exports(summary, runs, run, past)
st.subheader(t("Confusion matrix"), anchor=False)
confusion_view(summary.scored, run.run)
st.subheader(t("Each label"), anchor=False)
label_table(summary)
label_course(summary, past, run.run)
st.subheader(t("Error browser"), anchor=False)
error_browser(summary.scored, run.run)
suspected_errors(summary.scored, run.run)
st.subheader(t("Calibration"), anchor=False)
calibration_view(subject, summary)
st.subheader(t("Kinds of sentences"), anchor=False)
slice_table(summary)
