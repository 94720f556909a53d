"""What a run keeps on disk: its best model, and what it goes on from."""

from pathlib import Path

import pytest

from kobert_demo.keeper import bundle_name, rewind
from kobert_demo.runs import Runs

STEPS = 4


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """A run of four steps, evaluated after the second and, better, after the fourth."""
    runs = Runs(tmp_path)
    runs.store.add("a", "a run", {}, STEPS)
    columns = ("epoch", "loss", "accuracy", "learning_rate", "grad_norm", "sentences", "seconds")
    values = dict.fromkeys(columns, 1)
    runs.store.add_steps("a", [{"step": step, **values} for step in range(1, STEPS + 1)])
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
