"""Two app servers with one PostgreSQL database and one workspace."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kobert_demo import heartbeat
from kobert_demo.heartbeat import MOST_SILENCE
from kobert_demo.processes import PROJECT, process_lives
from kobert_demo.runs import Runs
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


def test_a_worker_that_was_taken_for_lost_ends(servers: tuple[Runs, Runs], tmp_path: Path) -> None:
    """It was out of reach for long, and the run may train elsewhere by now."""
    here, there = servers
    run = endless(here, str(save_tiny_model(tmp_path / "tiny")))
    until(here, run, trains)
    there.store._change(run, seen_at=1.0)
    assert there.get(run).status == "lost"
    deadline = time.monotonic() + 30
    while process_lives(here.directory(run)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "taken for lost" in here.log(run)


def test_a_worker_without_its_database_ends_when_others_take_it_for_lost(
    tmp_path: Path,
) -> None:
    """A process of its own, for it ends in the middle."""
    file = tmp_path / "runs.sqlite"
    program = f"""
        import time, pathlib
        from kobert_demo import heartbeat
        from kobert_demo.store import RunStore

        heartbeat.BEAT, heartbeat.MOST_SILENCE = 0.05, 1.0
        file = pathlib.Path({str(file)!r})
        store = RunStore(file)
        store.add("a", "a", {{}}, steps=1)
        with heartbeat.beating(store, "a"):
            time.sleep(1.5)
            print("lives", flush=True)
            file.unlink()
            file.mkdir()
            time.sleep(30)
        print("never")
    """
    words = [sys.executable, "-c", textwrap.dedent(program)]
    ended = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.returncode) == ("lives\n", 1)
    assert "the database was out of reach for 1 seconds" in ended.stderr


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
