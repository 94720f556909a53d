"""Choose data and settings, start a run, watch it: the page where models are made."""

import streamlit as st

from kobert_demo.dataset import DataChoice, Dataset, list_datasets
from kobert_demo.runs import Runs, choice_of
from kobert_demo.ui.elements import (
    choose_in_address,
    distinct_names,
    empty_state,
    page_header,
    plain,
    run_label,
    say_errors,
)
from kobert_demo.ui.model_choice import model_is_here
from kobert_demo.ui.run_view import run_view
from kobert_demo.ui.session import t, workspace
from kobert_demo.ui.training_form import chosen_data, expected_time, training_form

TEST_FRACTION, SPLIT_SEED = 0.2, 42

page_header(
    t("Training"),
    t("Fine-tune a model on your sentences and watch it learn. The run goes on without this page."),
    "model_training",
)
runs = Runs(workspace())
datasets = {summary.id: summary for summary in list_datasets(workspace())}
with say_errors():
    known = {run.run: run for run in runs.list()}
if not datasets and not known:
    empty_state(
        t("There is no data to train on yet. Upload a TSV or take the sample first."),
        "pages/dataset.py",
        t("Choose data"),
    )
    st.stop()


def earlier_choices() -> list[DataChoice]:
    """Return what this visitor chose on the Dataset page, then what the runs had, newest first."""
    chosen = st.session_state.get("data") or DataChoice.from_text(st.query_params.get("data", ""))
    choices = [choice_of(run.record) for run in known.values() if run.status != "imported"]
    return [
        choice
        for choice in [*([chosen] if chosen else []), *choices]
        if choice.train in datasets and (choice.test is None or choice.test in datasets)
    ]


def choose_data() -> DataChoice:
    """Ask for the training data; it is tested on what it was tested on before, or on a part of it."""
    earlier = earlier_choices()
    ids = list(datasets)
    names = distinct_names(ids, lambda id: f"{datasets[id].name} · {datasets[id].usable:,}")
    train = st.selectbox(
        t("Data"),
        ids,
        index=ids.index(earlier[0].train) if earlier else 0,
        format_func=names.__getitem__,
    )
    anew = DataChoice(train, None, TEST_FRACTION, SPLIT_SEED)
    return next((choice for choice in earlier if choice.train == train), anew)


def say_data(choice: DataChoice, train: Dataset, test: Dataset) -> None:
    """Say how much is trained and tested on, and where the test sentences come from."""
    counts = {"train": f"{len(train):,}", "test": f"{len(test):,}", "labels": len(train.labels)}
    text = t("{train} sentences to train on, {test} to test on, {labels} labels.", **counts)
    origin = (
        t("The test sentences are those of {name}.", name=plain(datasets[choice.test].name))
        if choice.test
        else t(
            "The test sentences are {share} of the data, split off with seed {seed}.",
            share=f"{len(test) / (len(train) + len(test)):.0%}",
            seed=choice.seed,
        )
    )
    st.caption(f"{text} {origin}")


def new_run() -> None:
    """Show the form of a run; Start launches it and shows it."""
    choice = choose_data()
    train, test = chosen_data(choice, str(workspace()))
    say_data(choice, train, test)
    config, place = training_form()
    if not model_is_here(config.model):
        return
    expected_time(config, place, train, test)
    waits = any(run.active for run in known.values())
    label = t("Start and wait for its turn") if waits else t("Start")
    if st.button(label, type="primary", icon=":material/play_arrow:", key="start"):
        st.session_state["launched"] = runs.launch(choice, config, place=place)
        st.rerun()


if launched := st.session_state.pop("launched", None):
    st.session_state["run"] = launched
    st.session_state["new run"] = False
elif "data" in st.session_state and st.session_state.get("offered") != st.session_state["data"]:
    st.session_state["offered"] = st.session_state["data"]
    st.session_state["new run"] = True
form = st.expander(
    t("New run"),
    expanded=not known,
    icon=":material/add:",
    key="new run",
    on_change="rerun",
)
with say_errors():
    if known:
        run = choose_in_address(t("Run"), list(known), "run", lambda id: run_label(known[id]))
        run_view(runs, run, leads=not form.open)
    if data := st.session_state.get("data"):
        st.query_params["data"] = data.to_text()  # for a reload
    if form.open and datasets:
        with form, say_errors():
            new_run()
