"""What a run keeps on disk: its best model, and what it goes on from."""

from pathlib import Path

import pytest

from kobert_demo.checkpoint import load_checkpoint
from kobert_demo.events import Settled, State
from kobert_demo.keeper import Keeper, bundle_name, rewind
from kobert_demo.runs import Runs

STEPS = 4


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """A run of four steps, evaluated after the second and, better, after the fourth."""
    runs = Runs(tmp_path)
    runs.store.add("a", "a run", {"config": {}}, STEPS)
    columns = ("epoch", "loss", "accuracy", "learning_rate", "grad_norm", "sentences", "seconds")
    values = dict.fromkeys(columns, 1)
    runs.store.add_steps("a", [{"step": step, **values} for step in range(1, STEPS + 1)])
    for second in (2.0, 4.0):
        runs.store.add_sample("a", {"seconds": second, "cpu": 0.5})
    for step in (2, 4):
        figures = {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "macro_f1": step / 10}
        runs.store.add_evaluation("a", {"step": step, **figures, "confusion": []})
        (runs.directory("a") / bundle_name(step)).mkdir(parents=True)
    runs.store.set_bundle("a", bundle_name(4))
    return runs


@pytest.mark.parametrize(
    ("step", "owes_evaluation", "steps", "evaluated", "bundle"),
    [
        (4, False, 4, [2, 4], "bundle-4"),
        (4, True, 4, [2], "bundle-2"),
        (3, False, 3, [2], "bundle-2"),
        (2, True, 2, [], None),
        (None, False, 0, [], None),
    ],
)
def test_a_run_goes_back_to_where_it_goes_on_from(
    runs: Runs,
    step: int | None,
    owes_evaluation: bool,
    steps: int,
    evaluated: list[int],
    bundle: str | None,
) -> None:
    rewind(runs, "a", step and {"step": step, "owes_evaluation": owes_evaluation})
    assert len(runs.store.steps("a")) == steps
    assert [row["step"] for row in runs.store.evaluations("a")] == evaluated
    assert runs.get("a").bundle == bundle
    kept = {path.name for path in runs.directory("a").glob("bundle-*")}
    assert kept == {bundle_name(step) for step in evaluated}


@pytest.mark.parametrize(
    ("start", "left"),
    [
        ({"step": 4, "owes_evaluation": False, "sampled": 2.0}, [2.0]),
        ({"step": 4, "owes_evaluation": False, "sampled": 4.0}, [2.0, 4.0]),
        ({"step": 4, "owes_evaluation": False}, [2.0, 4.0]),  # by an earlier version
        (None, []),
    ],
)
def test_samples_of_the_time_that_is_trained_again_are_forgotten(
    runs: Runs, start: State | None, left: list[float]
) -> None:
    rewind(runs, "a", start)
    assert runs.store.samples("a", "cpu")[0] == left


def test_a_checkpoint_knows_the_last_sample(runs: Runs) -> None:
    runs.store.add("b", "b run", {"config": {}}, STEPS)
    runs.directory("b").mkdir(parents=True)
    for run, sampled in (("a", 4.0), ("b", 0.0)):
        keeper = Keeper(runs, run, None, None)  # type: ignore[arg-type]
        keeper.settle(Settled(2, False, lambda: {"step": 2, "owes_evaluation": False}))
        keeper.wait()
        start = load_checkpoint(runs.directory(run))
        assert start
        assert start["sampled"] == sampled
