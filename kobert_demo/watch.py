"""A run -> what happens to it, as it happens: for terminals, and for programs that read one."""

import time
from collections.abc import Iterator

from kobert_demo.language import Language, translate
from kobert_demo.runs import Runs
from kobert_demo.store import Row

INTERVAL = 0.5  # seconds between two looks
MOST_STEPS = 200  # of one group
STEPS, EVALUATION, WAITING, END = "steps", "evaluation", "waiting", "end"
NOTICE = "notice"


def watch(runs: Runs, run: str, language: Language) -> Iterator[Row]:
    """Yield what is new of a run until it has ended, each a row with its kind as `event`.

    `steps` is the last of the training steps since the look before, with the speed of all of them;
    `evaluation` is one evaluation; `waiting` is a new place in the queue; `notice` is what the run has to
    say (`text`, in `language`); `end` is the last.

    Raises:
        RunError: there is no such run.
    """
    place, step, evaluated, notice = 0, 0, 0, None
    while True:
        state = runs.get(run)  # first: what it wrote before it ended is read below
        if state.waiting not in (0, place):
            place = state.waiting
            yield {"event": WAITING, "place": place}
        if state.notice and state.notice != notice:
            yield {"event": NOTICE, "text": state.notice.in_language(language)}
        notice = state.notice
        group = runs.store.steps(run, after=max(step, state.step - MOST_STEPS))
        evaluations = runs.store.evaluations(run, after=evaluated)
        yield from sorted([*_evaluated(evaluations), *_trained(group)], key=_step)
        step, evaluated = (
            max([last, *map(_step, rows)])
            for last, rows in ((step, group), (evaluated, evaluations))
        )
        if not state.active:
            break
        time.sleep(INTERVAL)
    figures = {"accuracy": state.accuracy, "macro_f1": state.macro_f1}
    yield {"event": END, "status": state.status, **figures}


def _step(row: Row) -> int:
    step: int = row["step"]
    return step


def _evaluated(rows: list[Row]) -> list[Row]:
    names = ("step", "epoch", "loss", "accuracy", "macro_f1")
    return [{"event": EVALUATION, **{name: row[name] for name in names}} for row in rows]


def _trained(group: list[Row]) -> list[Row]:
    """Return the last step of a group, with the speed from the first one to it."""
    if not group:
        return []
    first, last = group[0], group[-1]
    seconds = last["seconds"] - first["seconds"]
    speed = (last["sentences"] - first["sentences"]) / seconds if seconds else None
    row = {name: value for name, value in last.items() if name != "run"}
    return [{"event": STEPS, **row, "sentences_per_second": speed}]


def in_words(event: Row, language: Language) -> str:
    """Return one line for an event; columns stay in place from line to line."""
    if event["event"] == WAITING:
        return translate("waiting for its turn, place {place}", language, place=event["place"])
    if event["event"] == NOTICE:
        return str(event["text"])
    figures = f"accuracy {_figure(event['accuracy'])}"
    if event["event"] == END:
        return f"{event['status']}  {figures}  macro-F1 {_figure(event['macro_f1'])}"
    figures = f"loss {_figure(event['loss'])}  {figures}"
    if event["event"] == EVALUATION:
        figures = f"test {figures}  macro-F1 {_figure(event['macro_f1'])}"
    else:
        rate, speed = event["learning_rate"], event["sentences_per_second"]
        figures = f"     {figures}  learning rate {rate:.2e}  {_figure(speed, ',.0f')} sentences/s"
    return f"epoch {event['epoch']}  step {event['step']:>6}  {figures}"


def _figure(value: float | None, form: str = ".4f") -> str:
    return "-" if value is None else format(value, form)
