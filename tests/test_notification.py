"""The webhook: what it is told, and that nothing it does touches a run."""

import json
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kobert_demo import notification
from kobert_demo.language import Message
from kobert_demo.notification import VARIABLE, notify
from kobert_demo.runs import Runs
from kobert_demo.store import Run, RunStore
from tests.conftest import needs_comments
from tests.test_resume import launch
from tests.test_runs import ended, trains, until
from tests.test_store import evaluation

SECRET = "s3cr3t"


class Webhook(ThreadingHTTPServer):
    """A server that keeps what it is told, and answers with `status` after `delay` seconds."""

    daemon_threads = True

    def __init__(self, status: int = 200, delay: float = 0) -> None:
        self.told: list[dict[str, Any]] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/json"
                webhook.told.append(json.loads(body))
                time.sleep(delay)
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}/hooks/{SECRET}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Webhook]]:
    """Start a server and set its address."""
    started: list[Webhook] = []

    def webhook(**options: Any) -> Webhook:
        started.append(Webhook(**options))
        monkeypatch.setenv(VARIABLE, started[-1].address)
        return started[-1]

    yield webhook
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    store = RunStore(tmp_path / "runs.sqlite")
    store.add("a", "감정 · mini", {}, steps=8)
    store.claim("a", "cpu")
    store.add_evaluation("a", evaluation(4, 0.5))
    store.end("a", "failed", Message("no {what}", {"what": "memory"}))
    return store.run("a")


def test_the_webhook_is_told_how_a_run_ended(
    run: Run, webhook: Callable[..., Webhook], caplog: pytest.LogCaptureFixture
) -> None:
    server = webhook()
    with caplog.at_level(logging.INFO):
        notify(run)
    assert server.told == [
        {
            "run": "a",
            "name": "감정 · mini",
            "status": "failed",
            "accuracy": 0.6,
            "macro_f1": 0.5,
            "error": "no memory",
        }
    ]
    assert SECRET not in caplog.text


def test_without_an_address_nothing_is_sent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(notification, "httpx2", None)
    notify(run)


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize(
    "address",
    [
        f"http://127.0.0.1:{closed_port()}/{SECRET}",
        f"http://[{SECRET}",
        f"ftp://127.0.0.1/{SECRET}",
        f"{SECRET} is no address",
        f"http://{'x' * 70}.{SECRET}/",
        f"http://127.0.0.1:99999/{SECRET}",
    ],
    ids=["closed port", "bracket", "ftp", "no address", "too long", "no such port"],
)
def test_an_address_where_nobody_is_ends_in_the_log(
    run: Run, address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLE, address)
    notify(run)
    assert "the webhook was not reached" in caplog.text
    assert SECRET not in caplog.text


def test_a_refusal_ends_in_the_log(
    run: Run, webhook: Callable[..., Webhook], caplog: pytest.LogCaptureFixture
) -> None:
    webhook(status=500)
    notify(run)
    assert "the webhook answered 500" in caplog.text
    assert SECRET not in caplog.text


def test_a_webhook_that_hangs_is_not_waited_for(
    run: Run,
    webhook: Callable[..., Webhook],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notification, "PATIENCE", 0.2)
    webhook(delay=3)
    before = time.monotonic()
    notify(run)
    assert time.monotonic() - before < 2
    assert "the webhook was not reached (ReadTimeout)" in caplog.text


@needs_comments
def test_a_run_is_finished_whatever_the_webhook_answers(
    runs: Runs, webhook: Callable[..., Webhook]
) -> None:
    server = webhook(status=500)
    run = launch(runs)
    state = until(runs, run, ended)
    assert (state.status, state.error) == ("finished", None)
    deadline = time.monotonic() + 30
    while "the webhook answered 500" not in runs.log(run):
        assert time.monotonic() < deadline, runs.log(run)
        time.sleep(0.1)
    assert [(told["run"], told["status"]) for told in server.told] == [(run, "finished")]
    assert SECRET not in runs.log(run)


@needs_comments
def test_a_lost_run_is_told_once(runs: Runs, webhook: Callable[..., Webhook]) -> None:
    server = webhook()
    run = launch(runs, epochs=1000)
    pid = until(runs, run, trains).pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    until(runs, run, ended, seconds=5)
    for _ in range(3):
        runs.list()
    deadline = time.monotonic() + 10
    while not server.told:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    assert [(told["run"], told["status"]) for told in server.told] == [(run, "lost")]
