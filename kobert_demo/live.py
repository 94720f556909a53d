"""What is told of a run each second while it goes on: its progress, its figures, its curves' new points."""

from kobert_demo.charts import percent
from kobert_demo.curves import MOST_POINTS, Table, drawable
from kobert_demo.language import Language, duration, translate
from kobert_demo.run_search import run_seconds
from kobert_demo.runs import Runs
from kobert_demo.store import Row, Run

RECENT = 20  # steps whose speed is shown
# Of each chart of a run, the lines: the table that a line comes from, and its column there.
CHARTS: dict[str, tuple[tuple[Table, str], ...]] = {
    "loss": (("steps", "loss"), ("evaluations", "loss")),
    "accuracy": (("steps", "accuracy"), ("evaluations", "accuracy"), ("evaluations", "macro_f1")),
}


def stage(run: Run) -> str:
    """Return in one text what a run's page is drawn from beside its progress, figures and curves."""
    told = (run.status, run.stop_requested, run.waiting, run.notice, run.step > 0, run.pid is None)
    return repr(told)


def progress(run: Run, language: Language) -> tuple[float, str]:
    """Return the part of a run's steps that is done and what to say of it; nothing where it waits.

    A run that was resumed and left the queue again has not started anew, but its steps are there.
    """
    if run.started_at is None and (run.active or not run.step):
        return 0.0, ""
    elapsed = run_seconds(run)
    if run.active and not run.step:
        return 0.0, translate("Loading the model and the data …", language)
    text = translate(
        "Epoch {epoch} of {epochs} · step {step} of {steps} · {elapsed}",
        language,
        epoch=f"{run.epoch:,}",
        epochs=f"{run.record['config']['epochs']:,}",
        step=f"{run.step:,}",
        steps=f"{run.steps:,}",
        elapsed=duration(elapsed, language),
    )
    if run.active:
        left = duration(elapsed / run.step * (run.steps - run.step), language)
        text += " · " + translate("about {left} left", language, left=left)
    return run.step / run.steps, text


def figures(
    run: Run, last: list[Row], tested: tuple[float | None, float | None], language: Language
) -> list[tuple[str, str]]:
    """Return what the last steps and evaluations of a run told: the names of the figures, and the figures.

    Args:
        last: the latest steps, in order; the speed is that of all of them.
        tested: test loss and accuracy.
    """
    if not last:
        return []
    now, before = last[-1], last[0]
    seconds = now["seconds"] - before["seconds"]
    speed = (now["sentences"] - before["sentences"]) / seconds if seconds else None
    rate = now["learning_rate"]
    loss, accuracy = tested
    return [
        (translate("Train loss", language), _number(now["loss"], ".3f")),
        (translate("Test loss", language), _number(loss, ".3f")),
        (translate("Train accuracy", language), percent(now["accuracy"])),
        (translate("Test accuracy", language), "–" if accuracy is None else percent(accuracy)),
        (translate("Best macro-F1", language), _number(run.macro_f1, ".3f")),
        (translate("Learning rate", language), f"{rate:.1e}".replace("e-0", "e-") if rate else "0"),
        (translate("Gradient norm", language), _number(now["grad_norm"], ".2f")),
        (translate("Sentences/s", language), _number(speed, ",.0f")),
    ]


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def look(runs: Runs, run: Run, language: Language) -> Row:
    """Return what is said of a run beside its curves."""
    last = runs.store.steps(run.run, after=max(0, run.step - RECENT))
    # The newest evaluation while it goes on, then that of the model it kept.
    tested = runs.store.last_evaluation(run.run) if run.active else (run.loss, run.accuracy)
    share, text = progress(run, language)
    return {
        "stage": stage(run),
        "share": share,
        "text": text,
        "figures": figures(run, last, tested, language),
    }


def curves(runs: Runs, run: str, after: dict[str, list[int]]) -> Row:
    """Return the points of each line past a step of its own, for the charts that `after` names."""

    def points(table: Table, column: str, step: int) -> tuple[list[int], list[float | None]]:
        steps, values = runs.store.curve(run, table, column, step, MOST_POINTS)
        return steps, drawable(values)

    return {
        chart: [points(*line, step) for line, step in zip(CHARTS[chart], steps, strict=True)]
        for chart, steps in after.items()
    }
