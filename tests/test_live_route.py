"""What an open page asks the server for, and what a visitor sees of the answers."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, WebSocket, expect
from starlette.requests import Request as Asked

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice, load_choice
from kobert_demo.model_files import find_model
from kobert_demo.processes import lock_directory
from kobert_demo.runs import Runs, freeze
from kobert_demo.ui import live_route
from kobert_demo.ui.live_route import live_routes
from tests.conftest import PROJECT, App
from tests.test_store import evaluation, step
from tests.test_training_page import keep

STEPS = 1_000
CHARTS = "[...document.querySelectorAll('.js-plotly-plot')]"
LASTS = f"{CHARTS}.map(chart => chart.data[0].x.at(-1))"
SEEN = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden })
  document.dispatchEvent(new Event("visibilitychange"))
}"""


class Live:
    """A run that a living worker trains; the test decides when it takes a step."""

    def __init__(self, runs: Runs, name: str) -> None:
        choice = DataChoice(keep(runs.workspace, "a.tsv"), None, 0.2, 1)
        train, test = load_choice(runs.workspace, choice)
        record = freeze(choice, TrainingConfig(), train, test, find_model("mini"))
        self.runs, self.name, self._step = runs, name, 0
        runs.store.add(name, name, record, steps=STEPS)
        runs.store.claim(name, "cpu")

    def grow_to(self, number: int) -> None:
        new = range(self._step + 1, number + 1)
        self.runs.store.add_steps(self.name, map(step, new))
        self._step = number


@pytest.fixture
def live(app: App, request: pytest.FixtureRequest) -> Iterator[Live]:
    runs = Runs(app.workspace)
    name = request.node.name
    with lock_directory(runs.directory(name)):
        live = Live(runs, name)
        live.grow_to(3)
        yield live
        runs.store.end(name, "stopped")


@pytest.fixture
def shown(app: App, live: Live, page: Page) -> Page:
    page.goto(f"{app.url}/training?run={live.name}")
    page.wait_for_function(f"{LASTS}.join() === '3,3'")
    return page


def ask(app: App, question: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{app.url}/live{question}", timeout=30) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_answer_holds_what_is_new_past_a_step_of_each_line(app: App, live: Live) -> None:
    live.runs.store.add_evaluation(live.name, evaluation(2, 0.5))
    status, content = ask(app, f"/{live.name}?language=ko&loss=1,0&accuracy=3,2,0")
    told = json.loads(content)
    assert status == 200
    assert told["charts"] == {
        "loss": [[[2, 3], [1.0, 1.0]], [[2], [1.0]]],
        "accuracy": [[[], []], [[], []], [[2], [0.5]]],
    }
    assert "스텝 3/1,000" in told["text"]
    assert ["학습 손실", "1.000"] in told["figures"]


@pytest.mark.parametrize(
    "question",
    ["", "?language=fr", "?language=en&loss=1", "?language=en&loss=1,x", "?language=en&other=1"],
)
def test_what_no_page_asks_is_refused(app: App, live: Live, question: str) -> None:
    assert ask(app, f"/{live.name}{question}") == (400, "")


def test_a_run_that_is_gone_is_not_found(app: App) -> None:
    assert ask(app, "/gone?language=en") == (404, "")
    assert ask(app, "/..%2Fruns.sqlite?language=en")[0] in (400, 404)


def test_the_runs_that_go_on_are_told(app: App, live: Live) -> None:
    assert ask(app, "") == (200, live.name)


def test_those_who_ask_at_one_moment_share_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def look(_runs: Runs) -> set[str]:
        looks.append(time.monotonic())
        time.sleep(0.1)  # the others ask meanwhile
        return {"a"}

    async def five() -> list[bytes]:
        respond = live_routes()[0].endpoint
        request = Asked({"type": "http", "query_string": b"", "path_params": {}})
        return [
            answer.body for answer in await asyncio.gather(*(respond(request) for _ in range(5)))
        ]

    monkeypatch.setattr(live_route, "active_runs", look)
    monkeypatch.setattr(live_route.time, "time", lambda: 0.0)
    live_route._active.cache_clear()
    assert asyncio.run(five()) == [b"a"] * 5
    assert len(looks) == 1


def test_below_a_path_the_routes_are_there_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Below(App):
        @property
        def url(self) -> str:
            return f"http://127.0.0.1:{self.port}/kobert"

    monkeypatch.setenv("STREAMLIT_SERVER_BASE_URL_PATH", "/kobert/")
    app = Below(PROJECT / "streamlit_app.py", tmp_path / "workspace")
    app.start()
    try:
        assert ask(app, "") == (200, "")
    finally:
        app.stop()


@pytest.mark.browser
def test_a_page_follows_its_run_without_running_its_script(
    app: App, live: Live, page: Page
) -> None:
    frames: list[str | bytes] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: frames.append(frame))

    page.on("websocket", listen)
    page.goto(f"{app.url}/training?run={live.name}")
    page.wait_for_function(f"{LASTS}.join() === '3,3'")
    page.wait_for_timeout(1_000)  # what the first run of the script sent has come
    before = len(frames)
    progress = page.locator(".run-progress")
    for number in (40, 250):
        live.grow_to(number)
        live.runs.store.add_evaluation(live.name, evaluation(number, 0.5))
        page.wait_for_function(f"{LASTS}.join() === '{number},{number}'")
        page.wait_for_function(f"{CHARTS}.every(chart => chart.data[1].x.at(-1) === {number})")
        expect(progress).to_contain_text(f"스텝 {number}/1,000")
    assert page.evaluate(f"Array.from({CHARTS}[0].data[0].x)") == list(range(1, 251))
    expect(progress.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "25")
    expect(page.locator(".run-figures dd")).to_have_count(8)
    assert len(frames) == before


@pytest.mark.browser
def test_a_page_is_drawn_anew_when_its_run_is_stopped_and_when_it_has_ended(
    live: Live, shown: Page
) -> None:
    live.runs.stop(live.name)  # somebody else's press of the button
    expect(shown.get_by_role("button", name="멈추는 중")).to_be_disabled()
    live.runs.store.end(live.name, "stopped")
    expect(shown.get_by_role("button", name="이어서 학습")).to_be_enabled()
    expect(shown.get_by_test_id("stToast")).to_contain_text("중지됨")


@pytest.mark.browser
def test_a_page_that_nobody_looks_at_asks_nothing_and_catches_up(live: Live, shown: Page) -> None:
    asked: list[Request] = []
    shown.on("request", lambda request: asked.append(request) if "/live" in request.url else None)
    shown.evaluate(SEEN, True)
    shown.wait_for_timeout(500)  # what was asked before is answered
    asked.clear()
    live.grow_to(20)
    shown.wait_for_timeout(6_000)  # the look-out for ended runs asks every five seconds
    assert asked == []
    shown.evaluate(SEEN, False)
    shown.wait_for_function(f"{LASTS}.join() === '20,20'")


@pytest.mark.browser
def test_a_page_goes_on_when_the_server_was_away(app: App, live: Live, shown: Page) -> None:
    app.stop()
    live.grow_to(30)
    shown.wait_for_timeout(1_500)
    app.start()
    shown.wait_for_function(f"{LASTS}.join() === '30,30'")
    live.grow_to(31)
    shown.wait_for_function(f"{LASTS}.join() === '31,31'")
