"""The panel of what the machine does while a run trains, in a real browser and beside a real run."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kobert_demo.dataset import DataChoice
from kobert_demo.processes import lock_directory
from kobert_demo.runs import Runs
from kobert_demo.store import RunStore
from tests.conftest import PROJECT, App
from tests.test_story import launch_endless
from tests.test_training_page import finished, keep, open_training

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHARTS = "Array.from(document.querySelectorAll('.st-key-system .js-plotly-plot'))"
MACHINE = {"own_cpu": 0.5, "cpu": 0.75, "own_memory": 1e9, "memory": 8e9}
GPU = {"gpu": 0.9, "gpu_memory": 4e9, "gpu_temperature": 60.0, "gpu_power": 300.0}


@pytest.fixture
def page_of_a_run(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app of an English visitor who has opened the panel; run `a` has ended."""
    monkeypatch.setenv("KOBERT_DEMO_WORKSPACE", str(workspace))
    st.cache_resource.clear()
    finished(workspace, DataChoice(keep(workspace, "a.tsv"), None, 0.2, 1), "a")
    app = AppTest.from_file(PROJECT / "streamlit_app.py", default_timeout=60)
    app.session_state["lang"] = "en"
    app.session_state["system"] = True
    return app


def titles(app: AppTest) -> list[str]:
    """Return the titles of the panel's charts."""
    sent = app.session_state["live_charts"]
    return [key.removeprefix("system ") for key in sent if key.startswith("system ")]


def test_a_run_without_samples_has_no_panel(page_of_a_run: AppTest) -> None:
    open_training(page_of_a_run)
    assert "System" not in [expander.label for expander in page_of_a_run.expander]


def test_a_run_that_waits_has_no_panel_yet(page_of_a_run: AppTest, workspace: Path) -> None:
    runs = Runs(workspace)

    def panel() -> bool:
        return "System" in [expander.label for expander in page_of_a_run.expander]

    with lock_directory(runs.directory("b")):
        runs.store.add("b", "b", runs.get("a").record, steps=8)
        page_of_a_run.query_params["run"] = "b"
        open_training(page_of_a_run)
        assert not panel()
        runs.store.claim("b", "cpu")
        page_of_a_run.run()
        assert panel()


def test_the_gpu_is_shown_where_there_was_one(page_of_a_run: AppTest, workspace: Path) -> None:
    store = RunStore(workspace / "runs.sqlite")
    store.add_sample("a", {"seconds": 4.0, **MACHINE})
    open_training(page_of_a_run)
    assert titles(page_of_a_run) == ["speed", "cpu", "memory"]
    store.add_sample("a", {"seconds": 2.0, **MACHINE, **GPU})  # its driver failed after that
    page_of_a_run.run()
    assert titles(page_of_a_run) == [
        *("speed", "cpu", "memory"),
        *("gpu", "gpu_memory", "gpu_temperature", "gpu_power"),
    ]


def test_a_closed_panel_sends_no_chart(page_of_a_run: AppTest, workspace: Path) -> None:
    RunStore(workspace / "runs.sqlite").add_sample("a", {"seconds": 2.0, **MACHINE})
    page_of_a_run.session_state["system"] = False
    open_training(page_of_a_run)
    assert "System" in [expander.label for expander in page_of_a_run.expander]
    assert titles(page_of_a_run) == []


@pytest.fixture
def runs(app: App) -> Iterator[Runs]:
    found = Runs(app.workspace)
    yield found
    for run in found.list():
        if run.active and run.pid:
            os.kill(run.pid, signal.SIGKILL)


def shown(page: "Page") -> list[dict[str, list[float]]]:
    """Return each chart of the panel: its titles, and the points of its first line."""
    return page.evaluate(
        f"{CHARTS}.map(chart => ({{"
        "title: chart.layout.title.text, time: chart.layout.xaxis.title.text,"
        "x: Array.from(chart.data[0].x), y: Array.from(chart.data[0].y),"
        "low: chart._fullLayout.yaxis.range[0] }))"
    )


@pytest.mark.browser
def test_the_panel_of_a_real_run_grows_and_stays_when_it_has_ended(
    app: App, page: "Page", runs: Runs, tmp_path: Path
) -> None:
    run = launch_endless(runs, tmp_path)
    page.goto(f"{app.url}/training?run={run}")
    page.get_by_text("시스템", exact=True).click(timeout=60_000)
    page.wait_for_function(f"{CHARTS}.length === 3 && {CHARTS}[2].data[0].x.length > 0")
    first = len(shown(page)[2]["x"])
    page.wait_for_function(f"{CHARTS}[2].data[0].x.length > {first + 1}")
    runs.stop(run)
    page.get_by_text("중지됨").first.wait_for(timeout=60_000)
    page.wait_for_function(f"{CHARTS}.length === 3 && {CHARTS}[2].data[0].x.length > {first + 1}")
    speed, cpu, memory = shown(page)
    assert [chart["title"] for chart in (speed, cpu, memory)] == ["문장/초", "CPU(%)", "메모리(GB)"]
    assert speed["time"] == "시간(초)"
    assert min(speed["y"]) > 0
    assert all(0 <= share <= 100 for share in cpu["y"])
    assert 0.1 < memory["y"][-1] < 10
    assert memory["x"] == sorted(memory["x"])
    assert memory["low"] == 0
    assert page.locator(".st-key-system .js-plotly-plot").count() == 3


@pytest.mark.browser
def test_long_runs_are_drawn_over_minutes_and_their_spikes_are_there(
    app: App, page: "Page", tmp_path: Path
) -> None:
    finished(app.workspace, DataChoice(keep(app.workspace, "b.tsv"), None, 0.2, 1), "long")
    store = RunStore(app.workspace / "runs.sqlite")
    for number in range(1, 3_001):
        sample = {**MACHINE, **GPU, "gpu_power": 900.0 if number == 1_234 else 300.0}
        store.add_sample("long", {"seconds": 2.01 * number, **sample})
    page.goto(f"{app.url}/training?run=long")
    page.get_by_text("시스템", exact=True).click(timeout=60_000)
    page.wait_for_function(f"{CHARTS}.length === 7 && {CHARTS}[6].data[0].x.length > 0")
    power = shown(page)[6]
    assert (power["title"], power["time"]) == ("GPU 전력(W)", "시간(분)")
    assert len(power["x"]) <= 2_000
    assert power["x"][power["y"].index(900.0)] == pytest.approx(2.01 * 1_234 / 60)
    assert power["x"][-1] == pytest.approx(2.01 * 3_000 / 60)
