"""The run store: what is written is read back, deleted whole, and read while another writes."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from kobert_demo.errors import RunError
from kobert_demo.language import Message
from kobert_demo.store import Row, RunStore
from kobert_demo.tables import METADATA


def step(number: int, loss: float = 1.0) -> Row:
    return {
        "step": number,
        "epoch": 1,
        "loss": loss,
        "accuracy": 0.5,
        "learning_rate": 1e-4,
        "grad_norm": 2.0,
        "sentences": 8 * number,
        "seconds": 0.5 * number,
    }


def evaluation(number: int, macro_f1: float, loss: float = 1.0) -> Row:
    return {
        "step": number,
        "epoch": 1,
        "loss": loss,
        "accuracy": macro_f1 + 0.1,
        "macro_f1": macro_f1,
        "confusion": [[1, 2], [3, 4]],
    }


def queued(store: RunStore, *names: str) -> None:
    for name in names:
        store.add(name, name, {}, steps=1)


def test_what_was_frozen_is_read_back(store: RunStore) -> None:
    store.add("a", "이름", {"labels": ["행복"], "config": {"seed": 1}}, steps=10)
    run = store.run("a")
    assert (run.name, run.status, run.steps, run.step) == ("이름", "queued", 10, 0)
    assert run.record == {"labels": ["행복"], "config": {"seed": 1}}
    assert run.accuracy is run.error is run.started_at is None


def test_an_unknown_run_is_said_in_words(store: RunStore) -> None:
    with pytest.raises(RunError, match="There is no run nobody"):
        store.run("nobody")


def test_a_run_ends_once(store: RunStore) -> None:
    store.add("a", "a", {}, steps=1)
    assert store.end("a", "failed", Message("no {what}", {"what": "memory"}))
    assert not store.end("a", "finished")
    run = store.run("a")
    assert run.status == "failed"
    assert str(run.error) == "no memory"


def test_the_best_evaluation_is_the_one_with_the_highest_macro_f1(store: RunStore) -> None:
    store.add("a", "a", {}, steps=10)
    store.add_evaluation("a", evaluation(2, 0.4))
    store.add_evaluation("a", evaluation(4, 0.6, loss=2.0))
    store.add_evaluation("a", evaluation(6, 0.6, loss=1.5))
    store.add_evaluation("a", evaluation(8, 0.5))
    run = store.run("a")
    assert (run.best_step, run.macro_f1, run.accuracy, run.loss) == (6, 0.6, 0.7, 1.5)
    assert store.evaluations("a", after=6)[0]["confusion"] == [[1, 2], [3, 4]]


def test_a_stop_can_be_asked_for(store: RunStore) -> None:
    store.add("a", "a", {}, steps=10)
    assert not store.stop_requested("a")
    store.request_stop("a")
    assert store.stop_requested("a")
    assert store.run("a").stop_requested


def test_one_process_writes_while_another_reads(store: RunStore, where: Path | str) -> None:
    store.add("a", "a", {}, steps=500)
    reader = RunStore(where)
    seen: list[int] = []
    writer = threading.Thread(
        target=lambda: [store.add_steps("a", [step(number)]) for number in range(1, 501)]
    )
    writer.start()
    while writer.is_alive():
        seen.append(len(reader.curve("a", "steps", "loss")[0]))
    writer.join()
    assert seen == sorted(seen)
    assert len(reader.curve("a", "steps", "loss")[0]) == 500


def test_what_people_write_about_a_run_is_read_back(store: RunStore) -> None:
    queued(store, "a")
    store.describe("a", "새 이름", ["좋음", "baseline"], "둘째 줄까지\n기록")
    run = store.run("a")
    assert (run.name, run.tags, run.note) == ("새 이름", ("좋음", "baseline"), "둘째 줄까지\n기록")


def rows_of(store: RunStore, run: str) -> dict[str, int]:
    """Count the rows of a run in every table."""
    return {
        name: store._rows(select(func.count()).where(table.c.run == run))[0][0]
        for name, table in METADATA.tables.items()
    }


def test_a_deleted_run_leaves_no_row_in_any_table(store: RunStore) -> None:
    queued(store, "a", "b")
    for run in "ab":
        store.claim(run, "cpu")
        store.add_steps(run, [step(1)])
        store.add_evaluation(run, evaluation(1, 0.5))
        store.end(run, "finished")
        store.add_sample(run, {"seconds": 1.0})
    store.sparklines(store.runs())
    before = rows_of(store, "b")
    assert set(before.values()) == {1}
    assert store.delete("a")
    assert set(rows_of(store, "a").values()) == {0}
    assert rows_of(store, "b") == before
    assert not store.delete("a")


@pytest.mark.parametrize("running", [False, True])
def test_an_active_run_is_not_deleted(store: RunStore, running: bool) -> None:
    queued(store, "a")
    if running:
        store.claim("a", "cpu")
        store.add_steps("a", [step(1)])
    assert store.active() == {"a"}
    assert not store.delete("a")
    assert store.run("a").step == int(running)


def test_a_sparkline_is_short_and_shows_a_spike_of_one_step(store: RunStore) -> None:
    queued(store, "a", "short", "new")
    store.add_steps("a", [step(n, 9.0 if n == 4_321 else 1.0 + n / 1e6) for n in range(1, 10_001)])
    store.add_steps("short", [step(1, 3.0), step(2, float("nan")), step(3, 2.0)])
    lines = store.sparklines(store.runs())
    assert len(lines["a"]) <= 40
    assert max(lines["a"]) == 9.0
    assert lines["a"][-1] < 1.02
    assert (lines["short"], lines["new"]) == ([3.0, 2.0], [])


def test_a_sparkline_is_kept_for_as_long_as_its_run_has_the_same_steps(store: RunStore) -> None:
    queued(store, "a")
    store.claim("a", "cpu")
    store.add_steps("a", [step(1, 3.0)])
    assert store.sparklines(store.runs()) == {"a": [3.0]}
    store.add_steps("a", [step(2, 2.0)])
    store.end("a", "stopped")
    for _ in range(2):
        assert store.sparklines(store.runs()) == {"a": [3.0, 2.0]}
    store.add_steps("a", [step(3, 1.0)])  # it was resumed
    assert store.sparklines(store.runs()) == {"a": [3.0, 2.0, 1.0]}
