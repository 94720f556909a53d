"""Comparing runs: intervals that mean what they say, curves over three axes, what differs."""

from pathlib import Path

import numpy as np
import pytest

from kobert_demo import metrics
from kobert_demo.comparison import (
    CELLS_AT_ONCE,
    RESAMPLES,
    accuracies,
    best_counts,
    curve,
    difference,
    f1_of_labels,
    macro_f1s,
    same_test_data,
    sorted_settings,
)
from kobert_demo.runs import Runs
from kobert_demo.store import Run, RunStore
from tests.test_store import evaluation, step


def counts(right: int, wrong: int) -> metrics.Counts:
    return np.array([[right, wrong], [wrong, right]])


@pytest.mark.parametrize("labels", [2, 7, 40])
def test_figures_of_many_counts_at_once_are_those_of_each(labels: int) -> None:
    many = np.random.default_rng(labels).integers(0, 3, (5, labels, labels))
    assert accuracies(many).tolist() == pytest.approx([metrics.accuracy(one) for one in many])
    assert macro_f1s(many).tolist() == pytest.approx([metrics.macro_f1(one) for one in many])


def test_the_interval_of_an_accuracy_is_that_of_two_binomials() -> None:
    """Unpaired, its standard error is the root of the sum of p (1 - p) / n."""
    first, other = counts(300, 200), counts(350, 150)  # 0.6 and 0.7 of 1,000
    found = difference(first, other, accuracies)
    error = 1.96 * np.sqrt((0.6 * 0.4 + 0.7 * 0.3) / 1_000)
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1 - error, abs=0.004)
    assert found.high == pytest.approx(0.1 + error, abs=0.004)
    assert found.clear


def test_the_interval_holds_the_truth_about_95_times_in_100() -> None:
    random = np.random.default_rng(1)
    shares = np.array([[0.3, 0.1], [0.2, 0.4]]), np.array([[0.35, 0.05], [0.2, 0.4]])
    truth = float(macro_f1s(shares[1] * 1e6) - macro_f1s(shares[0] * 1e6))
    held = 0
    for seed in range(200):
        drawn = [random.multinomial(400, share.ravel()).reshape(2, 2) for share in shares]
        found = difference(drawn[0], drawn[1], macro_f1s, seed)
        held += found.low <= truth <= found.high
    assert 180 <= held <= 199


def test_the_same_counts_do_not_differ() -> None:
    found = difference(counts(30, 20), counts(30, 20), macro_f1s)
    assert found.value == 0
    assert found.low < 0 < found.high
    assert not found.clear


def test_an_interval_is_repeated_by_its_seed() -> None:
    first, other = counts(30, 20), counts(33, 17)
    assert difference(first, other, macro_f1s, 3) == difference(first, other, macro_f1s, 3)
    assert difference(first, other, macro_f1s, 3) != difference(first, other, macro_f1s, 4)


def test_many_labels_fit_the_memory() -> None:
    random = np.random.default_rng(0)
    first, other = (np.diag(random.integers(0, 20, 200)) for _ in range(2))
    first[0, 1:50] = 1
    assert first.size * RESAMPLES > 10 * CELLS_AT_ONCE  # it is drawn in parts
    found = difference(first, other, macro_f1s)
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
    found = difference(tested[0], tested[1], macro_f1s)
    assert found.value == pytest.approx(second.macro_f1 - first.macro_f1)
    assert found.low <= found.value <= found.high
    assert same_test_data([first, second])
    assert set(f1_of_labels(first, tested[0])) == set(first.record["labels"])
    seconds = curve(runs.store, second, "evaluations", "loss", "time")[0]
    assert len(seconds) == 2
    assert 0 < seconds[0] < seconds[1] == second.seconds
