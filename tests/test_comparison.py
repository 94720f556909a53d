"""Comparing runs: intervals that mean what they say, curves over three axes, what differs."""

from pathlib import Path

import numpy as np
import pytest

from kobert_demo import metrics
from kobert_demo.bundle import ANSWERS
from kobert_demo.comparison import (
    ahead,
    best_counts,
    curve,
    f1_of_labels,
    same_test_data,
    sorted_settings,
)
from kobert_demo.evaluation.figures import compare, unpaired
from kobert_demo.runs import Runs
from kobert_demo.store import Run, RunStore
from tests.test_store import evaluation, step


def counts(right: int, wrong: int) -> metrics.Counts:
    return np.array([[right, wrong], [wrong, right]])


def test_the_unpaired_interval_of_an_accuracy_is_that_of_two_binomials() -> None:
    """Its standard error is the root of the sum of p (1 - p) / n."""
    found = unpaired(counts(300, 200), counts(350, 150)).accuracy  # 0.6 and 0.7 of 1,000
    error = 1.96 * np.sqrt((0.6 * 0.4 + 0.7 * 0.3) / 1_000)
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1 - error, abs=0.006)
    assert found.high == pytest.approx(0.1 + error, abs=0.006)
    assert found.clear


def test_the_paired_interval_knows_only_the_sentences_in_which_two_models_differ() -> None:
    """Its standard error is the root of (n01 + n10 - (n01 - n10)^2 / n) / n, as in McNemar's test."""
    true = np.zeros(1_000, int)
    first, other = (np.arange(1_000) < wrong for wrong in (400, 300))
    found = compare(true, {"other": other * 1, "first": first * 1}, 2)["first"].ahead.accuracy
    error = 1.96 * np.sqrt((100 - 100**2 / 1_000) / 1_000**2)
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1 - error, abs=0.003)
    assert found.high == pytest.approx(0.1 + error, abs=0.003)


def test_the_interval_holds_the_truth_about_95_times_in_100() -> None:
    random = np.random.default_rng(1)
    shares = np.array([[0.3, 0.1], [0.2, 0.4]]), np.array([[0.35, 0.05], [0.2, 0.4]])
    truth = metrics.macro_f1(shares[1] * 1e6) - metrics.macro_f1(shares[0] * 1e6)
    held = 0
    for _ in range(200):
        drawn = [random.multinomial(400, share.ravel()).reshape(2, 2) for share in shares]
        found = unpaired(drawn[0], drawn[1]).macro_f1
        held += found.low <= truth <= found.high
    assert 180 <= held <= 199


def test_the_same_counts_do_not_differ_and_give_the_same_interval() -> None:
    found = unpaired(counts(30, 20), counts(30, 20)).macro_f1
    assert found.value == 0
    assert found.low < 0 < found.high
    assert not found.clear
    assert unpaired(counts(30, 20), counts(30, 20)).macro_f1 == found


def test_many_labels_are_compared() -> None:
    random = np.random.default_rng(0)
    first, other = (np.diag(random.integers(0, 20, 200)) for _ in range(2))
    first[0, 1:50] = 1
    found = unpaired(first, other).macro_f1
    assert 0 < found.low <= found.value <= found.high


@pytest.fixture
def run(tmp_path: Path) -> tuple[RunStore, Run]:
    """A run of 20,000 steps in two epochs, with a spike of one step."""
    store = RunStore(tmp_path / "runs.sqlite")
    store.add("a", "a", {"config": {"epochs": 2}, "labels": ["분노", "행복"]}, steps=20_000)
    store.add_steps("a", [step(n, 9.0 if n == 12_345 else 1.0) for n in range(1, 20_001)])
    store.add_evaluation("a", evaluation(10_000, 0.5))
    return store, store.run("a")


def test_a_spike_of_one_step_stays_in_the_curve_that_is_drawn(run: tuple[RunStore, Run]) -> None:
    drawn = curve(*run, "steps", "loss", "step")
    assert len(drawn[0]) <= 2_000
    assert dict(zip(*drawn, strict=True))[12_345] == 9.0


def test_the_axis_is_steps_epochs_or_seconds(run: tuple[RunStore, Run]) -> None:
    ends = {axis: curve(*run, "steps", "loss", axis)[0][-1] for axis in ("step", "epoch", "time")}
    assert ends == {"step": 20_000, "epoch": 2.0, "time": 10_000.0}
    for axis, after in (("step", 19_990), ("epoch", 1.999), ("time", 9_995.0)):
        later = curve(*run, "steps", "loss", axis, after)[0]
        assert after < later[0] <= later[-1] == ends[axis]
        assert curve(*run, "steps", "loss", axis, ends[axis]) == ([], [])
    assert curve(*run, "evaluations", "accuracy", "epoch") == ([1.0], [0.6])
    assert curve(*run, "evaluations", "accuracy", "time") == ([5_000.0], [0.6])


def test_a_run_that_was_not_evaluated_has_no_figures(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.sqlite")
    store.add("a", "a", {"config": {"epochs": 2}, "labels": []}, steps=8)
    new = store.run("a")
    assert best_counts(store, new) is None
    assert f1_of_labels(new, None) == {}
    for axis in ("step", "epoch", "time"):
        assert curve(store, new, "evaluations", "loss", axis) == ([], [])


def test_settings_that_differ_come_first() -> None:
    facts = [{"Model": "mini", "Epochs": "1"}, {"Model": "mini", "Epochs": "2", "Commit": "c"}]
    assert sorted_settings(facts) == (["Epochs", "Commit"], ["Model"])
    assert sorted_settings(facts[:1] * 2) == ([], ["Model", "Epochs"])


def test_two_real_runs_are_compared(mini_runs: Path) -> None:
    runs = Runs(mini_runs)
    second, first = runs.list()
    tested = [best_counts(runs.store, run) for run in (first, second)]
    assert tested[0] is not None
    assert tested[1] is not None
    assert metrics.macro_f1(tested[0]) == pytest.approx(first.macro_f1)
    assert tested[0].sum() == first.record["data"]["test_rows"]
    found = ahead(runs, first, second, (tested[0], tested[1]))
    assert found.paired
    better = found.figures.macro_f1
    assert better.value == pytest.approx(second.macro_f1 - first.macro_f1, abs=1e-6)
    assert better.low <= better.value <= better.high
    itself = ahead(runs, first, first, (tested[0], tested[0]))
    assert (itself.figures.accuracy.low, itself.figures.accuracy.high) == (0, 0)
    # Without the answers of one run, or with those of another evaluation, it is of two independent draws.
    kept = runs.bundle(first.run) / ANSWERS
    for spoil in (lambda: np.save(kept, np.zeros((2, 16), int)), kept.unlink):
        spoil()
        apart = ahead(runs, first, first, (tested[0], tested[0]))
        assert not apart.paired
        assert apart.figures.accuracy.low < 0 < apart.figures.accuracy.high
    assert same_test_data([first, second])
    assert set(f1_of_labels(first, tested[0])) == set(first.record["labels"])
    seconds = curve(runs.store, second, "evaluations", "loss", "time")[0]
    assert len(seconds) == 2
    assert 0 < seconds[0] < seconds[1] == second.seconds
