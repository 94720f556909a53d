"""Test bench: saved sentences with the emotions expected of them, put to any models."""

import time

import streamlit as st

from kobert_demo.imports import quick_imports
from kobert_demo.model_files import READY_MADE
from kobert_demo.runs import Runs
from kobert_demo.sentence_sets import SentenceSets
from kobert_demo.trials import Trial, ask, keep_trials, read_trials
from kobert_demo.ui.classifier_choice import classifier_name, loaded_by, trained_runs
from kobert_demo.ui.elements import distinct_names, page_header, plain, say_errors
from kobert_demo.ui.session import t, workspace
from kobert_demo.ui.set_form import choose_set, edit_set
from kobert_demo.ui.trial_view import trial_view

MOST_CLASSIFIERS = 6

page_header(
    t("Test bench"),
    t(
        "Sentences that a model must get right: run them against every model, and see what got worse."
    ),
    "science",
)
runs, sets = Runs(workspace()), SentenceSets(workspace())
with say_errors():
    trained = trained_runs(runs)
    shown = choose_set(sets)
edit_set(sets, shown)
options = [*trained, READY_MADE]
names = distinct_names(options, lambda option: classifier_name(trained, option))
before = st.session_state.get("bench models", options[:1])
st.session_state["bench models"] = [each for each in before if each in options]
chosen = st.multiselect(
    t("Models"),
    options,
    format_func=names.__getitem__,
    max_selections=MOST_CLASSIFIERS,
    key="bench models",
    persist_state="session",
)
directory = sets.directory(shown.id)
if st.button(
    t("Run the test"),
    type="primary",
    icon=":material/play_arrow:",
    disabled=not chosen,
    key="run test",
):
    with say_errors():
        with quick_imports():  # torch, which looking does not need
            from kobert_demo.predictor import Predictor

        at, trials = time.time(), []
        for classifier in chosen:
            with st.spinner(t("Asking {model} …", model=plain(names[classifier]))):
                predictor = Predictor(loaded_by(runs, trained, classifier))
                trials.append(Trial(at, classifier, names[classifier], ask(shown.cases, predictor)))
        keep_trials(directory, trials)
trial_view(read_trials(directory))
