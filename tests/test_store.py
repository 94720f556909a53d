"""The run store: the queue, what is written is read back, cursors, and several writers at once."""

import sqlite3
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from kobert_demo.errors import RunError
from kobert_demo.language import Message
from kobert_demo.schema import MIGRATIONS
from kobert_demo.store import Row, RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "new" / "runs.sqlite")


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


def test_what_was_frozen_is_read_back(store: RunStore) -> None:
    store.add("a", "이름", {"labels": ["행복"], "config": {"seed": 1}}, steps=10)
    run = store.run("a")
    assert (run.name, run.status, run.steps, run.step) == ("이름", "queued", 10, 0)
    assert run.record == {"labels": ["행복"], "config": {"seed": 1}}
    assert run.accuracy is run.error is run.started_at is None


def test_an_unknown_run_is_said_in_words(store: RunStore) -> None:
    with pytest.raises(RunError, match="There is no run nobody"):
        store.run("nobody")


def test_a_damaged_file_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    first = RunStore(path)
    for number in range(200):
        first.add(f"run {number}", "x" * 200, {}, steps=1)
    first._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    first._connection().close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(RunError, match="cannot be used"):
        RunStore(path).runs()


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "runs.sqlite") as old:
        old.executescript(MIGRATIONS[0])
        old.execute(
            "INSERT INTO runs (run, name, status, record, steps, created_at) "
            "VALUES ('r', 'old', 'finished', '{}', 10, 1.0)"
        )
    old.close()
    run = RunStore(tmp_path / "runs.sqlite").run("r")
    assert (run.name, run.tags, run.note) == ("old", (), "")
    again = RunStore(tmp_path / "runs.sqlite").run("r")
    assert again == run


def test_runs_start_in_order_and_one_at_a_time(store: RunStore) -> None:
    for name in "abc":
        store.add(name, name, {}, steps=1)
    assert [run.waiting for run in store.runs()] == [3, 2, 1]
    assert not store.claim("b", "cpu")
    assert store.claim("a", "cpu")
    assert not store.claim("a", "cpu")
    assert not store.claim("b", "cpu")
    assert [(run.run, run.waiting) for run in store.runs()] == [("c", 2), ("b", 1), ("a", 0)]
    store.end("a", "finished")
    assert not store.claim("c", "cpu")
    assert store.claim("b", "cpu")


def test_each_device_has_one_run(store: RunStore) -> None:
    for name in "abc":
        store.add(name, name, {}, steps=1)
    assert store.claim("a", "cuda:0")
    assert not store.claim("b", "cuda:0")
    assert store.claim("b", "cuda:1")
    assert not any(store.claim("c", device) for device in ("cuda:0", "cuda:1"))
    store.end("a", "finished")
    assert store.claim("c", "cuda:0")
    assert [run.device for run in store.runs()] == ["cuda:0", "cuda:1", "cuda:0"]


def test_a_run_that_was_cut_off_waits_again_behind_the_others(store: RunStore) -> None:
    for name in "ab":
        store.add(name, name, {}, steps=4)
    store.claim("a", "cpu")
    store.request_stop("a")
    assert not store.requeue("a")  # it still goes on
    store.add_steps("a", [step(number) for number in (1, 2, 3)])
    for number, macro_f1 in ((1, 0.5), (2, 0.4), (3, 0.9)):
        store.add_evaluation("a", evaluation(number, macro_f1))
    store.end("a", "lost")
    assert store.requeue("a")
    run = store.run("a")
    assert (run.status, run.waiting, run.stop_requested, run.error) == ("queued", 2, False, None)
    assert run.spent >= 0
    store.rewind("a", 2, 2)
    assert [row["step"] for row in store.steps("a")] == [1, 2]
    assert store.best_step("a", 2) == store.best_step("a", 9) == 1
    assert store.best_step("a", 0) is None
    store.claim("b", "cpu")
    store.end("b", "finished")
    assert not store.requeue("b")


def test_of_many_who_claim_at_once_one_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    RunStore(path).add("a", "a", {}, steps=1)
    won = []
    together = threading.Barrier(8)

    def claim() -> None:
        store = RunStore(path)
        together.wait()
        won.append(store.claim("a", "cpu"))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_a_run_ends_once(store: RunStore) -> None:
    store.add("a", "a", {}, steps=1)
    assert store.end("a", "failed", Message("no {what}", {"what": "memory"}))
    assert not store.end("a", "finished")
    run = store.run("a")
    assert run.status == "failed"
    assert str(run.error) == "no memory"


def test_a_cursor_reads_only_what_is_new(store: RunStore) -> None:
    store.add("a", "a", {}, steps=10)
    store.add_steps("a", [step(1), step(2)])
    assert store.curve("a", "steps", "loss") == ([1, 2], [1.0, 1.0])
    store.add_steps("a", [step(3, loss=0.25)])
    assert store.curve("a", "steps", "loss", after=2) == ([3], [0.25])
    assert [row["step"] for row in store.steps("a", after=1)] == [2, 3]
    assert store.run("a").step == 3
    assert (store.run("a").sentences, store.run("a").seconds) == (24, 1.5)


def test_a_loss_that_is_not_finite_is_read_as_none(store: RunStore) -> None:
    store.add("a", "a", {}, steps=10)
    store.add_steps("a", [step(1, loss=float("nan"))])
    assert store.curve("a", "steps", "loss") == ([1], [None])


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


def test_one_process_writes_while_another_reads(store: RunStore, tmp_path: Path) -> None:
    store.add("a", "a", {}, steps=500)
    reader = RunStore(tmp_path / "new" / "runs.sqlite")
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


def queued(store: RunStore, *names: str) -> None:
    for name in names:
        store.add(name, name, {}, steps=1)


def queue(store: RunStore) -> list[str]:
    waiting = [run for run in store.runs() if run.waiting]
    return [run.run for run in sorted(waiting, key=lambda run: run.waiting)]


def test_waiting_runs_change_places(store: RunStore) -> None:
    queued(store, *"abc")
    assert store.swap("a", "c")
    assert queue(store) == ["c", "b", "a"]
    assert not store.claim("a", "cpu")
    assert store.claim("c", "cpu")


def test_who_does_not_wait_keeps_its_place(store: RunStore) -> None:
    queued(store, *"abc")
    store.claim("a", "cpu")
    for pair in (("a", "b"), ("b", "b"), ("b", "nobody")):
        assert not store.swap(*pair)
    assert queue(store) == ["b", "c"]
    assert [run.run for run in store.runs()] == ["c", "b", "a"]


def test_a_run_keeps_its_place_in_the_list_when_it_changes_that_in_the_queue(
    store: RunStore,
) -> None:
    queued(store, *"abc")
    store.swap("a", "c")
    assert [run.run for run in store.runs()] == ["c", "b", "a"]


def test_what_people_write_about_a_run_is_read_back(store: RunStore) -> None:
    queued(store, "a")
    store.describe("a", "새 이름", ["좋음", "baseline"], "둘째 줄까지\n기록")
    run = store.run("a")
    assert (run.name, run.tags, run.note) == ("새 이름", ("좋음", "baseline"), "둘째 줄까지\n기록")


def rows_of(path: Path, run: str) -> dict[str, int]:
    """Count the rows of a run in every table that knows runs."""
    with sqlite3.connect(path) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        return {
            table: connection.execute(
                f"SELECT count(*) FROM {table} WHERE run = ?", (run,)
            ).fetchone()[0]
            for table in tables
            if "run" in {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        }


def test_a_deleted_run_leaves_no_row_in_any_table(store: RunStore, tmp_path: Path) -> None:
    path = tmp_path / "new" / "runs.sqlite"
    queued(store, "a", "b")
    for run in "ab":
        store.claim(run, "cpu")
        store.add_steps(run, [step(1)])
        store.add_evaluation(run, evaluation(1, 0.5))
        store.end(run, "finished")
    store.sparklines(store.runs())
    before = rows_of(path, "b")
    assert {"runs", "steps", "evaluations", "sparklines"} <= before.keys()
    assert store.delete("a")
    assert set(rows_of(path, "a").values()) == {0}
    assert rows_of(path, "b") == before
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


def test_samples_are_read_where_they_have_a_value(store: RunStore) -> None:
    assert store.sample_ends("a") == []
    store.add_sample("a", {"seconds": 2.0, "cpu": 0.5, "gpu": None})
    store.add_sample("a", {"seconds": 4.1, "cpu": 0.25, "gpu": 0.75})
    store.add_sample("a", {"seconds": 6.0, "cpu": 1.0, "gpu": None})
    store.add_sample("b", {"seconds": 9.0, "cpu": 0.0, "gpu": 0.0})
    assert store.samples("a", "cpu") == ([2.0, 4.1, 6.0], [0.5, 0.25, 1.0])
    assert store.samples("a", "cpu", after=4.1) == ([6.0], [1.0])
    assert store.samples("a", "gpu") == ([4.1], [0.75])
    assert [end["seconds"] for end in store.sample_ends("a")] == [2.0, 6.0]
    assert [end["cpu"] for end in store.sample_ends("b")] == [0.0]


MILLION = 1_000_000


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """A run of a million steps whose loss is 1, but for a peak, a dip and what is not a number."""
    store = RunStore(tmp_path_factory.mktemp("million") / "runs.sqlite")
    losses = {765_432: 7.0, 2: -3.0, 500_000: float("nan"), 999_999: 5.0}
    store.add_steps(
        "m", (step(number, losses.get(number, 1.0)) for number in range(1, MILLION + 1))
    )
    return store


def test_a_spike_of_one_step_in_a_million_is_read_with_few_points(million: RunStore) -> None:
    steps, losses = million.curve("m", "steps", "loss", most=2_000)
    assert len(steps) <= 2_000
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (1, MILLION)
    found = dict(zip(steps, losses, strict=True))
    assert (found[765_432], found[2], found[999_999]) == (7.0, -3.0, 5.0)
    assert None not in losses
    assert max(after - before for before, after in pairwise(steps)) < 2 * MILLION / 990


def test_a_million_steps_are_thinned_in_less_than_a_second(million: RunStore) -> None:
    began = time.thread_time()
    million.curve("m", "steps", "accuracy", most=2_000)
    assert time.thread_time() - began < 1


def test_past_a_step_only_later_points_are_thinned(million: RunStore) -> None:
    steps, losses = million.curve("m", "steps", "loss", after=900_000, most=2_000)
    assert (steps[0], steps[-1]) == (900_001, MILLION)
    assert 1_500 < len(steps) <= 2_000 or set(losses) == {1.0, 5.0}
    assert million.curve("m", "steps", "loss", after=MILLION - 3, most=2_000)[0] == [
        999_998,
        999_999,
        MILLION,
    ]


def test_a_span_without_a_number_gives_one_point_without(store: RunStore) -> None:
    losses = [float("nan") if 100 <= number < 900 else float(number) for number in range(1_000)]
    store.add_steps("a", [step(number + 1, loss) for number, loss in enumerate(losses)])
    steps, thinned = store.curve("a", "steps", "loss", most=50)
    assert len(steps) <= 50
    gap = [number for number, loss in zip(steps, thinned, strict=True) if loss is None]
    assert len(gap) > 10
    assert min(gap) > 100


def test_samples_are_thinned_over_their_time(store: RunStore) -> None:
    for number in range(1, 301):
        store.add_sample("a", {"seconds": 2.01 * number, "gpu_power": 9.0 if number == 77 else 1.0})
    seconds, power = store.samples("a", "gpu_power", most=100)
    assert len(seconds) <= 100
    assert (seconds[0], seconds[-1]) == (2.01, 2.01 * 300)
    assert dict(zip(seconds, power, strict=True))[2.01 * 77] == 9.0
