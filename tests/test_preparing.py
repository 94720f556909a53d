"""Models made ready in a process of its own: downloaded, checked, stopped, gone on with."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from kobert_demo.model_files import find_model
from kobert_demo.preparing import Preparation, Preparations, read_state, write_state
from kobert_demo.verify import verdict_of
from tests.families import kobert
from tests.loopback_hub import LoopbackHub

REPO = "skt/kobert-base-v1"
SECONDS = 60


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub with KoBERT's like, for this process and those that it starts."""
    torch.manual_seed(0)
    kobert(tmp_path / "repository")
    home = tmp_path / "home"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    with LoopbackHub() as served:
        served.add(REPO, tmp_path / "repository")
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        yield served


def wait(
    preparations: Preparations, until: Callable[[Preparation | None], bool]
) -> Preparation | None:
    deadline = time.monotonic() + SECONDS
    while not until(state := preparations.state(REPO)):
        assert time.monotonic() < deadline, state
        time.sleep(0.05)
    return state


def ended(state: Preparation | None) -> bool:
    return state is not None and not state.active


def test_a_model_is_downloaded_and_checked(hub: LoopbackHub, workspace: Path) -> None:
    preparations = Preparations(workspace)
    assert preparations.state(REPO) is None
    preparations.start(REPO)
    preparations.start(REPO)  # while it is under way
    assert wait(preparations, ended) == Preparation("ready")
    verdict = verdict_of(find_model(REPO), workspace)
    assert verdict is not None
    assert verdict.kobert is False
    assert str(verdict.checks[0].answer) == f"As on the hub at commit {find_model(REPO).revision}."
    assert len(hub.asked("GET /large/")) == 2  # the weights and the vocabulary, each once


def test_a_failure_is_told_in_words_and_another_try_succeeds(
    hub: LoopbackHub, workspace: Path
) -> None:
    preparations = Preparations(workspace)
    hub.status = 503
    preparations.start(REPO)
    state = wait(preparations, ended)
    assert state is not None
    assert state.error is not None
    assert state.error.in_language("ko").startswith("허브에 문제가 있습니다")
    hub.status = None
    preparations.start(REPO)
    assert wait(preparations, ended) == Preparation("ready")


def test_a_stopped_download_goes_on_from_what_came(
    hub: LoopbackHub, workspace: Path, tmp_path: Path
) -> None:
    preparations = Preparations(workspace)
    hub.cut_after, hub.cuts = 300_000, None  # every answer breaks there, and the client asks on
    hub.delay = 0.5
    preparations.start(REPO)
    parts = (tmp_path / "home").rglob
    wait(preparations, lambda _: any(part.stat().st_size for part in parts("*.incomplete")))
    preparations.stop(REPO)
    assert preparations.state(REPO) is None
    assert list(parts("*.incomplete"))
    hub.cut_after, hub.delay = None, 0
    hub.headers.clear()
    preparations.start(REPO)
    assert wait(preparations, ended) == Preparation("ready")
    assert any("Range" in headers for headers in hub.headers)


def test_a_process_that_died_is_not_waited_for(workspace: Path) -> None:
    preparations = Preparations(workspace)
    directory = preparations.directory(REPO)
    directory.mkdir(parents=True)
    write_state(directory, Preparation("downloading", 5, 10))
    state = preparations.state(REPO)
    assert state is not None
    assert (state.stage, str(state.error)) == ("failed", "It was interrupted: start it again.")
    (directory / "state.json").write_text("{")
    assert read_state(directory) is None
