"""The lines of a run: cursors, and few points of very many with every spike among them."""

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlalchemy import text

from kobert_demo.store import RunStore
from tests.databases import KINDS, new_database
from tests.test_store import evaluation, step


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


def test_the_newest_evaluation_is_the_last(store: RunStore) -> None:
    store.add("a", "a", {}, steps=10)
    assert store.last_evaluation("a") == (None, None)
    store.add_evaluation("a", evaluation(1, macro_f1=0.75))
    store.add_evaluation("a", evaluation(2, macro_f1=0.25, loss=float("nan")))
    assert store.last_evaluation("a") == (None, 0.35)


MILLION = 1_000_000


A_MILLION_STEPS = """
    INSERT INTO steps (run, step, epoch, loss, accuracy, sentences, seconds)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    SELECT 'm', n, 1,
        CASE n WHEN 765432 THEN 7.0 WHEN 2 THEN -3.0 WHEN 500000 THEN NULL WHEN 999999 THEN 5.0
            ELSE 1.0 END,
        0.5, 8 * n, 0.5 * n
    FROM numbers
"""


@pytest.fixture(scope="module", params=KINDS)
def million(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunStore]:
    """A run of a million steps whose loss is 1, but for a peak, a dip and what is not a number."""
    with new_database(request.param, tmp_path_factory.mktemp("million")) as where:
        store = RunStore(where)
        store._write(text(A_MILLION_STEPS), [{"count": MILLION}])
        yield store
        store.close()


def test_a_spike_of_one_step_in_a_million_is_read_with_few_points(million: RunStore) -> None:
    steps, losses = million.curve("m", "steps", "loss", most=2_000)
    assert len(steps) <= 2_000
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (1, MILLION)
    found = dict(zip(steps, losses, strict=True))
    assert (found[765_432], found[2], found[999_999]) == (7.0, -3.0, 5.0)
    assert None not in losses
    assert max(after - before for before, after in pairwise(steps)) < 2 * MILLION / 990


def test_a_million_steps_are_thinned_in_a_moment(million: RunStore) -> None:
    """SQLite works in this thread, whose time others do not lengthen; PostgreSQL elsewhere."""
    clock, most = (time.thread_time, 1) if million.host == "" else (time.perf_counter, 5)
    began = clock()
    million.curve("m", "steps", "accuracy", most=2_000)
    assert clock() - began < most


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
