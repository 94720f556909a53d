"""The main job in a real browser: upload, train, watch, classify, and everything that can go away."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice, detect_columns, parse, save_dataset
from kobert_demo.reading import detect_format
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from tests.conftest import COMMENTS, App, choose_language, needs_comments
from tests.models import write_comments
from tests.test_runs import until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.browser

POINTS = "() => (document.querySelector('.js-plotly-plot')?.data?.[0]?.x ?? []).length"
TRAINING_SECONDS = 180


@pytest.fixture
def runs(app: App) -> Iterator[Runs]:
    found = Runs(app.workspace)
    yield found
    for run in found.list():
        if run.active and run.pid:
            os.kill(run.pid, signal.SIGKILL)


def launch_endless(runs: Runs, directory: Path) -> str:
    """Launch a run of `mini` on comments that nobody has the patience to see the end of."""
    if not COMMENTS.is_file():
        pytest.skip("../shared/data is not there")
    path = write_comments(directory / "data.tsv", COMMENTS, rows=80)
    how = detect_format(path)
    data = parse(path, how, detect_columns(path, how), name="data.tsv")
    choice = DataChoice(save_dataset(data, runs.workspace), None, 0.2, 1)
    return runs.launch(choice, TrainingConfig("mini", epochs=1000, batch_size=8, max_length=32))


def wait_for(runs: Runs, run: str, status: str) -> Run:
    deadline = time.monotonic() + TRAINING_SECONDS
    while (state := runs.get(run)).status != status or (status == "running" and not state.step):
        assert time.monotonic() < deadline, (state.status, runs.log(run))
        time.sleep(0.1)
    return state


def grows(page: "Page", times: int) -> None:
    """Wait until the first chart got new points so many times."""
    for _ in range(times):
        before = page.evaluate(POINTS)
        page.wait_for_function(f"{POINTS[6:]} > {before}", timeout=60_000)


def end(runs: Runs, run: str) -> None:
    if runs.get(run).active:
        runs.stop(run)
    wait_for(runs, run, "stopped")


def test_the_first_visit_classifies(app: App, page: "Page") -> None:
    page.goto(f"{app.url}/classification")
    page.get_by_text("[CLS]").first.wait_for(timeout=60_000)
    page.get_by_test_id("stHtml").get_by_text("행복", exact=True).first.wait_for()
    page.get_by_text("앱에 들어 있는 작은 모델입니다").wait_for()


@needs_comments
def test_from_a_file_to_a_classified_sentence(app: App, page: "Page", runs: Runs) -> None:
    page.goto(f"{app.url}/dataset")
    page.locator("input[type=file]").first.set_input_files(COMMENTS)
    page.get_by_text("4,312").first.wait_for()
    page.locator(".st-key-use button").click()

    page.locator(".st-key-start button").wait_for(timeout=60_000)
    epochs = page.locator(".st-key-setting_epochs input")
    epochs.fill("1")
    epochs.press("Enter")
    page.locator(".st-key-start button").click()
    page.locator(".js-plotly-plot").first.wait_for(timeout=60_000)
    grows(page, times=3)
    page.get_by_text("완료").first.wait_for(timeout=TRAINING_SECONDS * 1000)
    (run,) = runs.list()
    assert run.status == "finished"
    assert page.evaluate(POINTS) == run.steps == 108

    page.locator(".st-key-to_classification button").click()
    sentences = page.locator(".st-key-sentences textarea")
    sentences.wait_for(timeout=60_000)
    sentences.fill("오늘 정말 행복해요!")
    page.locator(".st-key-classify button").click()
    page.get_by_text("▁오늘").first.wait_for(timeout=60_000)
    page.get_by_text("[CLS]").first.wait_for()
    page.get_by_text(re.compile("^(공포|놀람|분노|슬픔|중립|행복|혐오)$")).first.wait_for()
    assert f"classifier={run.run}" in page.url

    choose_language(page, "English")
    page.get_by_text("What the model read").wait_for()
    page.get_by_text("▁오늘").first.wait_for()


def test_two_tabs_a_reload_and_a_restart_show_the_same_run(
    app: App, visitor: "BrowserContext", runs: Runs, tmp_path: Path
) -> None:
    run = launch_endless(runs, tmp_path)
    wait_for(runs, run, "running")
    address = f"{app.url}/training?run={run}"
    with visitor.new_page() as first, visitor.new_page() as second:
        for tab in (first, second):
            tab.goto(address)
            grows(tab, times=2)
        first.reload()
        grows(first, times=2)

        app.stop()
        step = wait_for(runs, run, "running").step
        until(runs, run, lambda state: state.step > step)  # with no app there
        app.start()
        assert wait_for(runs, run, "running").step > step
        for tab in (first, second):
            tab.goto(address)
            grows(tab, times=2)
            tab.get_by_text("학습 중").first.wait_for()

        second.locator("[class*=st-key-stop-] button").click()
        for tab in (first, second):
            tab.get_by_text("중지됨").first.wait_for(timeout=60_000)
    assert wait_for(runs, run, "stopped").bundle


def test_a_killed_run_says_its_last_words_goes_on_and_is_trained_further(
    app: App, page: "Page", runs: Runs, tmp_path: Path
) -> None:
    run = launch_endless(runs, tmp_path)
    pid = wait_for(runs, run, "running").pid
    page.goto(f"{app.url}/training?run={run}")
    while not runs.store.evaluations(run):  # its last words are about one
        grows(page, times=1)
    assert pid
    os.kill(pid, signal.SIGKILL)
    page.get_by_text("강제로 종료되었습니다").wait_for(timeout=5_000)
    page.locator("code").get_by_text(re.compile("test loss .* macro-F1")).wait_for()

    page.locator("[class*=st-key-resume-] button").first.click()
    page.get_by_text("학습 중").first.wait_for(timeout=60_000)
    grows(page, times=2)
    assert runs.get(run).status == "running"
    page.locator("[class*=st-key-stop-] button").click()
    page.get_by_text("중지됨").first.wait_for(timeout=60_000)

    page.get_by_text("더 학습하기").click()
    page.locator("[class*=st-key-further-] button").click()
    page.wait_for_function("run => !location.search.includes(run)", arg=run, timeout=60_000)
    further = runs.list()[0]
    assert further.name.endswith(", 이어서")
    assert further.record["config"]["model"] == str(runs.bundle(run))
    wait_for(runs, further.run, "finished")


def test_a_long_run_is_drawn_with_few_points_and_its_spike(
    app: App, page: "Page", runs: Runs, tmp_path: Path
) -> None:
    run = launch_endless(runs, tmp_path)
    wait_for(runs, run, "running")
    end(runs, run)
    (last,) = runs.store.steps(run)[-1:]
    numbers = range(last["step"] + 1, 4_001)
    more = [
        {**last, "step": step, "loss": 9.0 if step == 2_345 else 1 + step % 2 / 10}
        for step in numbers
    ]
    for row in more:
        del row["run"]
    runs.store.add_steps(run, more)
    page.goto(f"{app.url}/training?run={run}")
    page.wait_for_function(f"{POINTS[6:]} > 1000", timeout=60_000)
    assert page.evaluate(POINTS) <= 2_000 < 4_000
    drawn = "() => document.querySelector('.js-plotly-plot').data[0].x.includes(2345)"
    assert page.evaluate(drawn)


def test_a_second_run_says_its_place_in_the_queue(
    app: App, page: "Page", runs: Runs, tmp_path: Path
) -> None:
    first = launch_endless(runs, tmp_path)
    second = launch_endless(runs, tmp_path)
    wait_for(runs, first, "running")
    page.goto(f"{app.url}/training?run={second}")
    page.get_by_text("1번째").first.wait_for()
    end(runs, first)
    grows(page, times=2)
    end(runs, second)


def test_hostile_text_is_shown_as_text(app: App, page: "Page", runs: Runs, tmp_path: Path) -> None:
    hostile = (
        "<img src=x onerror=\"document.title='pwned'\"> **굵게** ![x](https://example.org/x.png)"
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    finished = next(run.run for run in runs.list() if run.bundle and not run.active)
    page.goto(f"{app.url}/classification?classifier={finished}")
    sentences = page.locator(".st-key-sentences textarea")
    sentences.wait_for(timeout=60_000)
    sentences.fill(hostile)
    page.locator(".st-key-classify button").click()
    page.get_by_text("<img src=x").first.wait_for(timeout=60_000)
    assert page.title() != "pwned"
    assert page.locator("img[src='x']").count() == 0
    assert not [url for url in asked if "example.org" in url]
