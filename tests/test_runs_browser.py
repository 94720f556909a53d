"""The queue, stop, compare and delete in a real browser, on real runs of `mini`."""

import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice
from kobert_demo.runs import Runs
from tests.conftest import COMMENTS, App
from tests.models import train_mini

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not COMMENTS.is_file(), reason="../shared/data is not there"),
]

PATIENCE = 90  # seconds
ROW, BOX = 35, 17  # pixels: the height of a row, and where in it its box to select it is


@pytest.fixture(scope="module")
def trained(app: App, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The app's workspace, with two runs that have finished."""
    made = train_mini(tmp_path_factory.mktemp("mini"), COMMENTS)
    made.rename(app.workspace)
    return Runs(app.workspace)


@pytest.fixture
def runs(trained: Runs) -> Iterator[Runs]:
    yield trained
    for run in trained.list():
        if run.active and run.pid:
            os.kill(run.pid, signal.SIGKILL)


def launch_endless(runs: Runs, name: str) -> str:
    frozen = next(run.record["data"] for run in runs.list())
    choice = DataChoice(**{field.name: frozen[field.name] for field in fields(DataChoice)})
    return runs.launch(choice, TrainingConfig("mini", epochs=1000, batch_size=16), name)


def reach(runs: Runs, run: str, status: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while runs.get(run).status != status:
        assert time.monotonic() < deadline, (runs.get(run), runs.log(run))
        time.sleep(0.1)


def open_runs(app: App, page: "Page") -> None:
    page.goto(f"{app.url}/runs")
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for(timeout=60_000)


def select(page: "Page", row: int) -> None:
    """Click the box at the start of a row, counted from 0."""
    table = page.locator("[data-testid=stDataFrame] canvas").first.bounding_box()
    assert table
    page.mouse.click(table["x"] + BOX, table["y"] + ROW * (row + 1) + BOX)


def press(page: "Page", run: str, name: str) -> None:
    """Click a button of a run in the queue's box, whatever of the tick before still stands there."""
    page.locator(f".st-key-stop-{run}").get_by_role("button", name=name).click()


def queued(page: "Page") -> list[str]:
    """Return the names in the queue's box, from the top."""
    text = page.locator(".st-key-queue").inner_text()
    return re.findall(r"\b(?:first|second|third)\b", text)


def test_the_queue_is_reordered_cancelled_and_stopped_and_outlives_the_app(
    app: App, page: "Page", runs: Runs
) -> None:
    first, second, third = (launch_endless(runs, name) for name in ("first", "second", "third"))
    reach(runs, first, "running")
    open_runs(app, page)
    page.locator(".st-key-queue").get_by_text("third").wait_for()
    assert queued(page) == ["first", "second", "third"]

    page.locator(f".st-key-move--1-{third} button:visible").click()
    page.wait_for_function(
        "() => /third[^]*second/.test(document.querySelector('.st-key-queue').innerText)"
    )
    assert [runs.get(run).waiting for run in (third, second)] == [1, 2]

    app.stop()
    app.start()
    assert runs.get(first).status == "running"
    open_runs(app, page)
    page.locator(".st-key-queue").get_by_text("third").wait_for()
    assert queued(page) == ["first", "third", "second"]

    press(page, second, "취소")
    reach(runs, second, "stopped")
    assert runs.get(second).started_at is None
    press(page, first, "멈추기")
    page.get_by_test_id("stToast").get_by_text("first").wait_for(timeout=60_000)
    reach(runs, third, "running")  # nobody started it
    press(page, third, "멈추기")
    page.locator(".st-key-queue").wait_for(state="detached", timeout=60_000)
    for run in (first, second, third):
        reach(runs, run, "stopped")


@pytest.mark.parametrize("path", ["", "dataset"])
def test_a_word_is_said_on_another_page(app: App, page: "Page", runs: Runs, path: str) -> None:
    run = launch_endless(runs, "first")
    page.goto(f"{app.url}/{path}")
    page.get_by_role("heading", level=1).wait_for(timeout=60_000)
    reach(runs, run, "running")
    page.wait_for_timeout(2_500)  # the app has looked at it
    runs.stop(run)
    page.get_by_test_id("stToast").get_by_text(re.compile("first.*중지됨")).wait_for(timeout=60_000)
    assert page.url == f"{app.url}/{path}"


def test_two_runs_are_selected_and_compared_and_the_address_brings_them_back(
    app: App, page: "Page", runs: Runs
) -> None:
    open_runs(app, page)
    page.locator(".st-key-search input").fill("baseline")
    page.get_by_text("개 중 2개").wait_for()
    select(page, 0)
    page.get_by_text("1개 선택됨").wait_for()
    select(page, 1)
    page.get_by_text("2개 선택됨").wait_for()
    page.locator(".st-key-compare button:visible").click()
    page.wait_for_url("**/compare?runs=*")
    for _ in range(2):
        page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length === 4")
        lines = "() => document.querySelector('.js-plotly-plot').data.map(line => line.x.length)"
        assert sorted(page.evaluate(lines)) == [4, 8]
        page.get_by_text("95% 부트스트랩 구간").wait_for()
        page.reload()
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length === 4")
    page.locator(".st-key-axis button").nth(1).click()
    ends = "() => document.querySelector('.js-plotly-plot').data.map(line => line.x.at(-1))"
    page.wait_for_function(f"() => ({ends})().every(end => end === 1 || end === 2)")


def test_a_comparison_follows_a_run_that_trains(app: App, page: "Page", runs: Runs) -> None:
    done = next(run.run for run in runs.list() if run.status == "finished")
    live = launch_endless(runs, "live")
    reach(runs, live, "running")
    page.goto(f"{app.url}/compare?runs={done},{live}")
    length = "document.querySelector('.js-plotly-plot')?.data?.[1]?.x.length"
    page.wait_for_function(f"() => {length} > 0", timeout=60_000)
    before = page.evaluate(length)
    page.evaluate("() => { window.stays = true }")
    page.wait_for_function(f"before => {length} > before", arg=before)
    steps = "document.querySelector('.js-plotly-plot').data[1].x"
    assert page.evaluate(f"{steps}.every((step, place) => !place || step > {steps}[place - 1])")
    who = page.get_by_test_id("stHtml").filter(has_text="live")
    assert "학습 중" in who.inner_text()
    runs.stop(live)
    page.get_by_test_id("stHtml").filter(has_text=re.compile("live.*중지됨")).wait_for()
    assert page.evaluate("window.stays")  # without a reload
    page.wait_for_function(f"last => {steps}.at(-1) === last", arg=runs.get(live).step)


def test_a_run_is_deleted_after_a_question(app: App, page: "Page", runs: Runs) -> None:
    gone = launch_endless(runs, "to delete")
    reach(runs, gone, "running")
    open_runs(app, page)
    select(page, 0)
    page.locator(".st-key-delete button").first.click()
    page.get_by_text("아직 끝나지 않았습니다").wait_for()
    runs.stop(gone)
    reach(runs, gone, "stopped")
    page.locator(".st-key-delete-for-good button:visible").wait_for(timeout=60_000)
    assert runs.get(gone)
    page.locator(".st-key-delete-for-good button:visible").click()
    page.get_by_text("선택하면 비교할 수 있습니다").wait_for()
    deadline = time.monotonic() + 10
    while gone in {run.run for run in runs.list()} or runs.directory(gone).exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("path", ["runs", "compare"])
def test_both_pages_fit_a_phone(app: App, browser: "Browser", runs: Runs, path: str) -> None:
    ids = ",".join(run.run for run in runs.list()[-2:])
    with browser.new_context(
        locale="ko-KR", viewport={"width": 390, "height": 844}, is_mobile=True
    ) as phone:
        tab = phone.new_page()
        tab.goto(f"{app.url}/{path}?runs={ids}")
        tab.locator("[data-testid=stDataFrame] canvas").first.wait_for(timeout=60_000)
        width = "document.querySelector('[data-testid=stMain]').scrollWidth"
        tab.wait_for_function(f"{width} <= innerWidth")
