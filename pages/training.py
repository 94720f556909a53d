"""Choose data and settings, start a run, watch it: the page where models are made."""

import streamlit as st

from kobert_demo.dataset import DataChoice, list_datasets
from kobert_demo.runs import Runs
from kobert_demo.ui.elements import (
    STATUSES,
    choose_in_address,
    empty_state,
    page_header,
    say_errors,
)
from kobert_demo.ui.run_view import run_view
from kobert_demo.ui.session import language, t, workspace
from kobert_demo.ui.training_form import chosen_data, expected_time, training_form

TEST_FRACTION, SPLIT_SEED = 0.2, 42

page_header(
    t("Training"),
    t("Fine-tune a model on your sentences and watch it learn. The run goes on without this page."),
    "model_training",
)
runs = Runs(workspace())
datasets = {summary.id: summary for summary in list_datasets(workspace())}
known = {run.run: run for run in runs.list()}
if not datasets and not known:
    empty_state(
        t("There is no data to train on yet. Upload a TSV or take the sample first."),
        "pages/dataset.py",
        t("Choose data"),
    )
    st.stop()


def choose_data() -> DataChoice:
    """Return the data chosen on the Dataset page, or another dataset of the workspace."""
    chosen: DataChoice | None = st.session_state.get("data")
    ids = list(datasets)
    train = st.selectbox(
        t("Data"),
        ids,
        index=ids.index(chosen.train) if chosen and chosen.train in ids else 0,
        format_func=lambda id: f"{datasets[id].name} · {datasets[id].usable:,}",
    )
    if chosen and chosen.train == train:
        return chosen
    return DataChoice(train, None, TEST_FRACTION, SPLIT_SEED)


def new_run() -> None:
    """Show the form of a run; Start launches it and shows it."""
    choice = choose_data()
    train, test = chosen_data(choice, str(workspace()))
    counts = {"train": f"{len(train):,}", "test": f"{len(test):,}", "labels": len(train.labels)}
    st.caption(t("{train} sentences to train on, {test} to test on, {labels} labels.", **counts))
    config = training_form()
    expected_time(config, train, test)
    waits = any(run.active for run in known.values())
    label = t("Start and wait for its turn") if waits else t("Start")
    if st.button(label, type="primary", icon=":material/play_arrow:", key="start"):
        st.session_state["launched"] = runs.launch(choice, config)
        st.rerun()


def name(run: str) -> str:
    status = STATUSES[known[run].status].name.in_language(language())
    return f"{known[run].name} · {status} · {run}"


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
        run = choose_in_address(t("Run"), list(known), "run", name)
        run_view(runs, run)
    if form.open and datasets:
        with form:
            new_run()
