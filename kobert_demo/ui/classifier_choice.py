"""Which model answers: a trained run, or the ready-made one."""

from kobert_demo.model_files import READY_MADE
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from kobert_demo.ui.elements import choose_in_address, run_label
from kobert_demo.ui.session import t


def trained_runs(runs: Runs) -> dict[str, Run]:
    """Return the runs that have ended with a model, by id, the newest first."""
    return {run.run: run for run in runs.list() if run.bundle and not run.active}


def classifier_name(trained: dict[str, Run], classifier: str) -> str:
    """Return what a classifier is called; one that was deleted by its id."""
    return run_label(trained[classifier]) if classifier in trained else classifier


def choose_classifier(trained: dict[str, Run]) -> str:
    """Show the classifiers and return which was chosen, the same as on the Classification page."""
    return choose_in_address(
        t("Model"),
        [*trained, READY_MADE],
        "classifier",
        lambda choice: classifier_name(trained, choice),
    )


def loaded_by(runs: Runs, trained: dict[str, Run], classifier: str) -> str:
    """Return the name or path that a `Predictor` loads a classifier by.

    Raises:
        RunError: the run was deleted just now.
    """
    return str(runs.bundle(classifier)) if classifier in trained else classifier
