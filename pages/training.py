"""Choose data and settings, start a run, watch it: the page where models are made."""

import streamlit as st

from kobert_demo.dataset import DataChoice, list_datasets
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from kobert_demo.ui.elements import STATUSES, empty_state, page_header, say_errors
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
known = runs.list()

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
        format_func=lambda id: f"{datasets[id].name} · {datasets[id].rows:,}",
    )
    if chosen and chosen.train == train:
        return chosen
    return DataChoice(train, None, TEST_FRACTION, SPLIT_SEED)


def spoken_status(run: Run) -> str:
    return STATUSES[run.status].name.in_language(language())


active = any(run.active for run in known)
with st.expander(t("New run"), expanded=bool(datasets) and not known, icon=":material/add:"):
    if datasets:
        with say_errors():
            choice = choose_data()
            train, test = chosen_data(choice, str(workspace()))
            st.caption(
                t(
                    "{train} sentences to train on, {test} to test on, {labels} labels.",
                    train=f"{len(train):,}",
                    test=f"{len(test):,}",
                    labels=len(train.labels),
                )
            )
            config = training_form()
            expected_time(config, train, test)
            label = t("Start and wait for its turn") if active else t("Start")
            if st.button(label, type="primary", icon=":material/play_arrow:", key="start"):
                st.session_state["run"] = runs.launch(choice, config)
                known = runs.list()
    else:
        st.page_link("pages/dataset.py", label=t("Choose data"))

if known:
    names = {run.run: run for run in known}
    with say_errors():
        shown = st.selectbox(
            t("Run"),
            list(names),
            key="run",
            bind="query-params",
            format_func=lambda id: f"{names[id].name} · {spoken_status(names[id])} · {id}",
        )
        run_view(runs, shown)
