"""Two app servers with one PostgreSQL database and one workspace."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kobert_demo import heartbeat
from kobert_demo.runs import MOST_SILENCE, Runs
from kobert_demo.store import RunStore
from tests.databases import new_schema, server_url
from tests.models import save_tiny_model
from tests.test_runs import ended, endless, trains, until


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Runs, Runs]]:
    """The runs as the server that launches them sees them, and as one on another machine does."""
    with new_schema(server_url()) as url:
        monkeypatch.setenv("KOBERT_DEMO_DATABASE_URL", url)
        here, there = (Runs(tmp_path / "workspace") for _ in range(2))
        there.store = RunStore(url, host="another machine")
        yield here, there
        for run in here.list():
            if run.active and run.pid:
                os.kill(run.pid, signal.SIGKILL)
        here.store.close()


def test_a_run_of_one_server_is_seen_live_and_stopped_at_the_other(
    servers: tuple[Runs, Runs], tmp_path: Path
) -> None:
    here, there = servers
    run = endless(here, str(save_tiny_model(tmp_path / "tiny")))
    state = until(there, run, trains)
    assert state.host == here.store.host != there.store.host
    until(there, run, lambda now: now.step > state.step)
    assert there.store.curve(run, "steps", "loss", after=8)[0][0] == 9
    there.stop(run)
    assert until(here, run, ended).status == "stopped"
    assert [each.run for each in there.list()] == [run]
    assert not (tmp_path / "workspace" / "runs.sqlite").exists()


def test_another_hosts_run_is_lost_only_when_it_was_silent_for_long(
    servers: tuple[Runs, Runs],
) -> None:
    here, there = servers
    there.store.add("a", "a", {}, steps=1)  # no process of this machine holds its lock
    assert there.store.claim("a", "cpu")
    assert here.get("a").status == "running"
    there.store._change("a", seen_at=here.store.run("a").created_at - MOST_SILENCE - 60)
    assert here.get("a").status == "lost"


def test_a_beat_says_that_a_worker_lives(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.05)
    store.add("a", "a", {}, steps=1)
    store._change("a", seen_at=1.0)
    assert store.run("a").silent > 1e6
    deadline = time.monotonic() + 30
    with heartbeat.beating(store, "a"):
        while store.run("a").silent > 30:
            assert time.monotonic() < deadline
            time.sleep(0.05)
