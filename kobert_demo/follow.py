"""A run -> a progress bar on standard error, until the run has ended."""

import signal
import sys
import threading
import time
from typing import Never

from tqdm import tqdm

from kobert_demo.language import Language, translate
from kobert_demo.runs import Runs
from kobert_demo.store import Run

INTERVAL = 0.2  # seconds


def follow(runs: Runs, run: str, language: Language) -> Run:
    """Wait for the end of a run and show its progress; Ctrl-C, however often, asks it to stop."""
    asked = threading.Event()
    before = signal.signal(signal.SIGINT, lambda _number, _frame: asked.set())
    state, told = runs.get(run), None
    try:
        with tqdm(total=state.steps, unit="step", file=sys.stderr, dynamic_ncols=True) as bar:
            while state.active:
                if asked.is_set() and not state.stop_requested:
                    runs.store.request_stop(run)
                if state.notice and state.notice != told:
                    bar.write(state.notice.in_language(language), file=sys.stderr)
                told = state.notice
                _show(bar, state, language)
                time.sleep(INTERVAL)
                state = runs.get(run)
            _show(bar, state, language)
    finally:
        signal.signal(signal.SIGINT, before)
    return state


def _show(bar: "tqdm[Never]", run: Run, language: Language) -> None:
    if run.waiting:
        text = translate("waiting for its turn, place {place}", language, place=run.waiting)
    elif run.macro_f1 is None:
        text = run.run
    else:
        text = f"accuracy {run.accuracy:.3f} macro-F1 {run.macro_f1:.3f}"
    bar.set_description(text, refresh=False)
    bar.update(run.step - bar.n)
    bar.refresh()
