"""The Runs page and the comparison: found, described, deleted, compared, told."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kobert_demo.processes import lock_directory
from kobert_demo.runs import Runs
from kobert_demo.store import RunStore
from kobert_demo.ui.elements import plain
from kobert_demo.ui.run_table import table_key
from tests.conftest import PROJECT
from tests.test_store import evaluation, step

RECORD = {
    "config": {"model": "mini", "epochs": 1, "learning_rate": 1e-4},
    "labels": ["분노", "행복"],
    "data": {
        "name": "댓글.tsv",
        "train": "a",
        "test": None,
        "test_fraction": 0.2,
        "seed": 1,
        "train_rows": 8,
        "test_rows": 2,
        "train_sha256": "a",
        "test_sha256": "b",
        "majority": 0.5,
    },
    "vocabulary_sha256": "c",
    "versions": {"torch": "2"},
    "weights": "mini",
    "x": "x" * 500,
}


@pytest.fixture
def app(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app of an English visitor."""
    monkeypatch.setenv("KOBERT_DEMO_WORKSPACE", str(workspace))
    st.cache_resource.clear()
    found = AppTest.from_file(PROJECT / "streamlit_app.py", default_timeout=60)
    found.session_state["lang"] = "en"
    return found


def go(app: AppTest, page: str, **address: str) -> AppTest:
    app.run()
    app.switch_page(f"pages/{page}.py")
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, [element.value for element in app.exception]
    return app


def add(store: RunStore, run: str, macro_f1: float = 0.5, steps: int = 4, **record: object) -> None:
    """Record a run that has finished."""
    store.add(run, run, {**RECORD, **record}, steps)
    store.claim(run, "cpu")
    store.add_steps(run, [step(number) for number in range(1, steps + 1)])
    store.add_evaluation(run, evaluation(steps, macro_f1))
    store.end(run, "finished")


def select(app: AppTest, workspace: Path, *rows: int) -> AppTest:
    """Select rows of the table of all runs, the newest first, as a browser would."""
    key = table_key(Runs(workspace).list())
    app.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    app.run()
    assert not app.exception, [element.value for element in app.exception]
    return app


@contextmanager
def waiting(runs: Runs, run: str) -> Iterator[None]:
    """Hold a run in the queue, as a worker does for as long as it lives."""
    with lock_directory(runs.directory(run)):
        runs.store.add(run, run, RECORD, 4)
        yield


def names(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["Run"])


def test_without_runs_the_page_leads_to_the_first(app: AppTest) -> None:
    go(app, "runs")
    assert not app.dataframe
    app.button[0].click().run()
    assert app.title[0].value.endswith("Training")


def test_a_real_run_is_listed_with_all_that_people_ask_of_it(app: AppTest, mini_runs: Path) -> None:
    best = Runs(mini_runs).list()[0]
    row = go(app, "runs").dataframe[0].value.iloc[0]
    assert (row["Run"], row["Model"], row["Data"]) == ("baseline 2", "mini", "comments.tsv")
    assert (list(row["Status"]), row["Progress"]) == (["Finished"], 100)
    assert row["Macro-F1"] == best.macro_f1
    assert row["Accuracy"] == pytest.approx(100 * best.accuracy)
    assert row["Duration"].endswith(" s")
    assert len(row["Train loss"]) == best.steps


def test_a_thousand_runs_open_in_less_than_a_second(app: AppTest, workspace: Path) -> None:
    store = RunStore(workspace / "runs.sqlite")
    for number in range(1_000):
        add(store, f"run {number}", steps=300)
    go(app, "runs")  # imports, and the first sparklines
    times = []
    for _ in range(3):
        before = time.perf_counter()
        app.run()
        times.append(time.perf_counter() - before)
    assert len(names(app)) == 1_000
    assert min(times) < 1


def test_runs_are_searched_filtered_and_sorted(app: AppTest, workspace: Path) -> None:
    store = RunStore(workspace / "runs.sqlite")
    for name, macro_f1 in (("first", 0.7), ("second", 0.3), ("third", 0.5)):
        add(store, name, macro_f1)
    store.describe("second", "second", ["base"], "")
    store.add("fourth", "fourth", RECORD, 4)
    store.end("fourth", "failed")
    go(app, "runs")
    assert names(app) == ["fourth", "third", "second", "first"]
    app.selectbox(key="order").set_value("macro_f1").run()
    assert names(app) == ["first", "third", "second", "fourth"]
    app.text_input(key="search").set_value("IR").run()
    assert names(app) == ["first", "third"]
    app.text_input(key="search").set_value("").run()
    app.multiselect(key="tags").set_value(["base"]).run()
    assert names(app) == ["second"]
    assert "1 of 4 runs" in [caption.value for caption in app.caption]
    app.text_input(key="search").set_value("nothing").run()
    assert [info.value for info in app.info] == [
        "None of the 4 runs is like that: search for less."
    ]


def test_a_run_is_renamed_tagged_and_given_a_note(app: AppTest, workspace: Path) -> None:
    store = RunStore(workspace / "runs.sqlite")
    add(store, "a")
    select(go(app, "runs"), workspace, 0)
    app.text_input(key="name a").set_value("<b>새 이름</b>")
    app.multiselect(key="tags a").set_value([])
    app.text_area(key="note a").set_value("메모")
    app.button[[button.label for button in app.button].index("Save")].click().run()
    assert (store.run("a").name, store.run("a").note) == ("<b>새 이름</b>", "메모")
    assert names(app) == ["<b>새 이름</b>"]
    app.text_input(key="name a").set_value(" ")
    app.button[[button.label for button in app.button].index("Save")].click().run()
    assert [error.value for error in app.error] == [plain("A run needs a name: type one.")]


def test_deleting_is_confirmed_and_removes_only_what_was_selected(
    app: AppTest, mini_runs: Path
) -> None:
    runs = Runs(mini_runs)
    newer, older = (run.run for run in runs.list())
    select(go(app, "runs"), mini_runs, 0)
    assert any("from the disk for good" in text.value for text in app.markdown)
    assert [text.value for text in app.text] == ["baseline 2"]
    app.button(key="delete for good").click().run()
    assert [run.run for run in runs.list()] == [older]
    assert not runs.directory(newer).exists()
    assert names(app) == ["baseline 1"]
    assert not [button for button in app.button if button.key == "delete for good"]


def test_a_run_that_goes_on_cannot_be_deleted(app: AppTest, workspace: Path) -> None:
    runs = Runs(workspace)
    with waiting(runs, "waits"):
        select(go(app, "runs"), workspace, 0)
        assert [warning.value for warning in app.warning] == [
            "waits is still going on: stop it first."
        ]
        assert not [button for button in app.button if button.key == "delete for good"]


def test_the_queue_is_reordered_and_cancelled(app: AppTest, workspace: Path) -> None:
    runs = Runs(workspace)
    with waiting(runs, "first"), waiting(runs, "second"):
        go(app, "runs")
        assert app.button(key="move -1 first").disabled
        assert app.button(key="move 1 second").disabled
        app.button(key="move -1 second").click().run()
        assert [runs.get(run).waiting for run in ("first", "second")] == [2, 1]
        app.button(key="stop first").click().run()
        assert runs.get("first").stop_requested
        assert app.button(key="stop first").disabled
        assert not runs.get("second").stop_requested


def test_two_real_runs_are_compared(app: AppTest, mini_runs: Path) -> None:
    newer, older = (run.run for run in Runs(mini_runs).list())
    go(app, "compare", runs=f"{older},{newer}")
    settings, same, figures, labels = (table.value for table in app.dataframe)
    assert settings.set_index("Setting").loc["Epochs"].tolist() == ["1", "2"]
    assert list(settings["Setting"]) == ["Epochs"]
    assert "Learning rate" in set(same["Setting"])
    assert list(figures["Run"]) == ["A", "B"]
    assert "…" in figures["Macro-F1 against A"][1]
    assert figures["Meaning"][1] in ("may be chance", "clearly better", "clearly worse")
    assert list(labels.columns) == ["Label", "A", "B", "B − A"]
    assert not app.warning
    assert app.query_params["runs"] == f"{older},{newer}"


def test_the_axis_of_the_curves_is_chosen(app: AppTest, mini_runs: Path) -> None:
    ids = ",".join(run.run for run in Runs(mini_runs).list())
    go(app, "compare", runs=ids)
    for axis in ("epoch", "time", "step"):
        app.segmented_control(key="axis").set_value(axis).run()
        assert not app.exception
        assert len(app.get("bidi_component")) == 4


def test_different_test_data_is_said(app: AppTest, workspace: Path) -> None:
    store = RunStore(workspace / "runs.sqlite")
    add(store, "a")
    add(store, "b", data={**RECORD["data"], "test_sha256": "other"})
    go(app, "compare", runs="a,b")
    assert any("tested on different sentences" in warning.value for warning in app.warning)


def test_runs_without_an_evaluation_and_from_elsewhere_are_compared_too(
    app: AppTest, workspace: Path
) -> None:
    store = RunStore(workspace / "runs.sqlite")
    add(store, "a")
    elsewhere = {name: value for name, value in RECORD.items() if name != "data"}
    store.add_imported("b", "b", elsewhere, "bundle-0")
    go(app, "compare", runs="b,a")
    go(app, "compare", runs="a,b")


def test_a_shared_comparison_says_which_run_is_gone(app: AppTest, workspace: Path) -> None:
    store = RunStore(workspace / "runs.sqlite")
    add(store, "a")
    go(app, "compare", runs="a,../../x")
    assert [warning.value for warning in app.warning] == [
        f"The run {plain('../../x')} is not here any more."
    ]
    assert [info.value for info in app.info] == ["Choose at least two runs."]
    assert app.multiselect(key="compared").value == ["a"]


@pytest.mark.parametrize(("page", "key"), [("classification", "classifier"), ("training", "run")])
def test_pages_say_that_the_run_they_showed_was_deleted(
    app: AppTest, mini_runs: Path, page: str, key: str
) -> None:
    runs = Runs(mini_runs)
    newer = runs.list()[0].run
    go(app, page, **{key: newer})
    assert app.selectbox(key=key).value == newer
    runs.delete(newer)
    said = f"{plain(newer)} is not here any more: showing another one."
    app.run()
    assert said in [warning.value for warning in app.warning]
    app.run()
    assert said not in [warning.value for warning in app.warning]


def test_a_press_meant_for_a_run_that_was_deleted_does_nothing_to_another(
    app: AppTest, mini_runs: Path
) -> None:
    runs = Runs(mini_runs)
    newer, older = (run.run for run in runs.list())
    go(app, "training", run=newer)
    further = app.button(key=f"further {newer}")
    runs.delete(newer)
    further.click().run()
    assert app.selectbox(key="run").value == older
    assert [run.run for run in runs.list()] == [older]
