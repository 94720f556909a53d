"""What it costs to be watched: a tick of a long run, and training beside five visitors.

Both on a real server. The visitors ask it for what a browser asks for and draw nothing
(benchmarks/watchers.py): what a browser draws with is the visitor's machine, not the one that trains. What
those five clients need to take in the answers themselves is on this machine, and counts against us.

*A tick*: two steps are appended, the page asks what is new, the answer is sent. Counted are the CPU time of
the server's process (user and system) and the bytes of the answer, both the mean of some ticks.

*Training*: `mini` on the sample in a worker (its niceness is 10), with the store, the samples of the
system, its bundles, its checkpoint and five visitors who look each second; against the same loop in the
same process that writes nothing, beside a server that nobody visits (benchmarks/watched_training.py). Many
short repeats, since what else a machine does changes slowly.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.harness import Result, alternate
from benchmarks.training_speed import DEVICE
from benchmarks.watchers import Watcher
from kobert_demo.config import preset
from kobert_demo.dataset import DataChoice, detect_columns, load_choice, parse, save_dataset
from kobert_demo.model_files import find_model
from kobert_demo.processes import ENVIRONMENT, lock_directory
from kobert_demo.reading import detect_format
from kobert_demo.runs import Runs, freeze
from kobert_demo.store import Row
from tests.conftest import PROJECT, App

SAMPLE = PROJECT / "kobert_demo" / "data" / "sample.tsv"
RUN = "20260101-000000-beef"
SHORT, LONG = 200, 20_000  # steps
TICKS = 30  # of one repeat
EPOCH = 200  # steps from one evaluation to the next
VISITORS = 5


@contextmanager
def server(workspace: Path) -> Iterator[App]:
    app = App(PROJECT / "streamlit_app.py", workspace)
    app.start()
    try:
        yield app
    finally:
        app.stop()


def frozen(workspace: Path) -> tuple[Row, int]:
    """Keep the sample; return what a run of `mini` on it for two epochs is, and its steps."""
    how, config = detect_format(SAMPLE), replace(preset("mini"), epochs=2)
    data = parse(SAMPLE, how, detect_columns(SAMPLE, how), name=SAMPLE.name)
    choice = DataChoice(save_dataset(data, workspace), None, 0.2, 1)
    train, test = load_choice(workspace, choice)
    record = freeze(choice, config, train, test, find_model("mini"))
    return record, config.epochs * config.steps_per_epoch(len(train))


class LongRun:
    """A run of so many steps whose worker lives, and its server with one visitor.

    Attributes:
        url: the server's; process: the server itself.
    """

    def __init__(self, workspace: Path, steps: int, closing: ExitStack) -> None:
        self._runs, self._steps = Runs(workspace), 0
        self._runs.store.add(RUN, "long", frozen(workspace)[0], steps=2 * LONG)
        self._runs.store.claim(RUN, "cpu")
        closing.enter_context(lock_directory(self._runs.directory(RUN)))
        self.append(steps)
        for step in range(EPOCH, steps + 1, EPOCH):
            self._runs.store.add_evaluation(RUN, evaluation(step))
        app = closing.enter_context(server(workspace))
        assert app.server
        self.url, self.process = app.url, psutil.Process(app.server.pid)
        self._watcher = Watcher(app.url, RUN)

    def append(self, count: int) -> None:
        numbers = range(self._steps + 1, self._steps + count + 1)
        self._runs.store.add_steps(RUN, map(step, numbers))
        self._steps += count

    def ticks(self) -> tuple[float, float]:
        """Return the server's milliseconds and the kilobytes of a tick."""
        before, received = self.spent(), 0
        for _ in range(TICKS):
            self.append(2)
            self._watcher.look()
            received += self._watcher.received
        return 1e3 * (self.spent() - before) / TICKS, received / TICKS / 1e3

    def spent(self) -> float:
        """Return the CPU seconds of the server so far."""
        return sum(self.process.cpu_times()[:2])


def step(number: int) -> Row:
    figures = {"loss": 2 / number**0.3, "accuracy": 0.5, "learning_rate": 5e-5, "grad_norm": 1.0}
    return {
        "step": number,
        "epoch": 1 + number // EPOCH,
        **figures,
        "sentences": 64 * number,
        "seconds": 0.1 * number,
    }


def evaluation(number: int) -> Row:
    figures = {
        "loss": 1.0,
        "accuracy": 0.5,
        "macro_f1": 0.5 - 1 / number,
        "confusion": [[9] * 7] * 7,
    }
    return {"step": number, "epoch": number // EPOCH, **figures}


def ticks(repeats: int) -> list[Result]:
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        runs = [LongRun(folder / f"{steps}", steps, closing) for steps in (LONG, SHORT)]
        long, short = alternate(repeats, *(run.ticks for run in runs))
    return [
        Result(
            f"live tick, {LONG:,} steps, {what}, against {SHORT} steps",
            unit,
            *(tuple(figures[place] for figures in of) for of in (long, short)),
            0.67,  # no more than one and a half times
        )
        for place, (what, unit) in enumerate((("server CPU", "ms"), ("bytes", "KB")))
    ]


class WatchedTraining:
    """The process that trains, the server, and the visitors when they are asked in."""

    def __init__(self, workspace: Path, closing: ExitStack) -> None:
        self._runs = Runs(workspace)
        self._record, self._steps = frozen(workspace)
        self._app = closing.enter_context(server(workspace))
        self._trainer = closing.enter_context(
            started("benchmarks.watched_training", str(workspace))
        )

    @contextmanager
    def _run(self) -> Iterator[str]:
        """Yield the id of a run whose worker lives."""
        run = self._runs.new_id()
        with lock_directory(self._runs.directory(run)):
            self._runs.store.add(run, "watched", self._record, self._steps)
            yield run

    def _trained(self, order: str) -> float:
        assert self._trainer.stdin and self._trainer.stdout
        print(order, file=self._trainer.stdin, flush=True)
        return float(self._trainer.stdout.readline())

    def bare(self) -> float:
        with self._run() as run:
            self._runs.store.end(run, "stopped")
            return self._trained(f"-{run}")

    def watched(self) -> float:
        with (
            self._run() as run,
            started("benchmarks.watchers", self._app.url, run, str(VISITORS)) as watchers,
        ):
            assert watchers.stdout
            watchers.stdout.readline()
            return self._trained(run)


@contextmanager
def started(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def training(repeats: int) -> Result:
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        work = WatchedTraining(folder / "workspace", closing)
        watched, bare = alternate(repeats, work.watched, work.bare, warm_up=repeats > 1)
    name = f"fine-tuning, mini, {DEVICE.type.upper()}, logged and watched by {VISITORS}"
    slowed = 0.02 if DEVICE.type == "cuda" else 0.05
    return Result(f"{name}, against neither", "sentences/s", watched, bare, 1 - slowed)


def run(quick: bool) -> list[Result]:
    return [*ticks(2 if quick else 5), training(1 if quick else 11)]
