"""Files that are scored in processes of their own, which outlive the page and the app.

`python -m kobert_demo.scoring_jobs WORKSPACE JOB` scores one. The page starts it and reads how far it is;
after a cancel, a kill or a restart the same job goes on where it stopped.
"""

import errno
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from kobert_demo.device import best_device
from kobert_demo.errors import DataError, KobertDemoError
from kobert_demo.file_scoring import choose_layout, score_file
from kobert_demo.imports import quick_imports
from kobert_demo.language import Message
from kobert_demo.processes import LOG, lock_directory, process_lives, start_process
from kobert_demo.scoring_state import (
    Order,
    State,
    no_job,
    output,
    read_order,
    read_state,
    write_order,
    write_state,
)

NICENESS = 5  # the app stays quick beside it
WRITE_INTERVAL = 0.5  # seconds
PATIENCE = 20.0  # seconds that a process which was told to end gets to go
ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


@dataclass(frozen=True)
class Job:
    """One file that is, was or will be scored."""

    id: str
    order: Order
    state: State
    out: Path


class ScoringJobs:
    """The jobs of one workspace, with the processes behind them.

    Args:
        workspace: the directory that holds datasets and runs.
    """

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, order: Order) -> str:
        """Begin to score a file and return the job's id."""
        job = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        directory = self._directory(job)
        write_order(directory, order)
        self.resume(job)
        return job

    def resume(self, job: str) -> None:
        """Go on with a job where it stopped; nothing where it is under way or done.

        Raises:
            DataError: there is no such job.
        """
        state = self.get(job).state
        if state.stage == "done":
            return
        directory = self._directory(job)
        if not state.active:
            _await_end(directory)
        with suppress(BlockingIOError), lock_directory(directory) as lock:
            (directory / "pid").unlink(missing_ok=True)  # of a process that is gone
            write_state(directory, replace(state, stage="starting", left=None, error=None))
            words = (str(self._workspace), job)
            process = start_process(directory, lock, "kobert_demo.scoring_jobs", *words)
            (directory / "pid").write_text(str(process.pid))
            self._processes[job] = process

    def stop(self, job: str) -> None:
        """End the work on a job; what is done is kept.

        Raises:
            DataError: there is no such job.
        """
        directory = self._directory(self.get(job).id)
        with suppress(OSError, ValueError):
            pid = int((directory / "pid").read_text())
            if process_lives(directory):
                os.killpg(pid, signal.SIGTERM)
        _await_end(directory)

    def delete(self, job: str) -> None:
        """Stop a job and remove its files, the scored one among them.

        Raises:
            DataError: there is no such job.
        """
        self.stop(job)
        shutil.rmtree(self._directory(job), ignore_errors=True)

    def list(self) -> list[Job]:
        """Return all jobs, the newest first; what is damaged is passed over."""
        found = []
        for directory in sorted((self._workspace / "scores").glob("*"), reverse=True):
            with suppress(DataError):
                found.append(self.get(directory.name))
        return found

    def get(self, job: str) -> Job:
        """Return a job as it is now.

        Raises:
            DataError: there is none of this id.
        """
        if job in self._processes:
            self._processes[job].poll()  # a child that ended stays until it is asked
        directory = self._directory(job)
        lives = process_lives(directory)  # before its last word is read
        order, state = read_order(directory), read_state(directory)
        out = output(directory, order)
        if state.active and not lives:
            state = replace(state, stage="stopped", left=None)
        elif state.stage == "done" and not out.is_file():  # somebody took it away
            state = State("stopped")
        return Job(job, order, state, out)

    def _directory(self, job: str) -> Path:
        if not ID.fullmatch(job):
            raise no_job()
        return self._workspace / "scores" / job


def _await_end(directory: Path) -> None:
    """Wait until the process of a job, which was told to end or has said its last word, is gone."""
    deadline = time.monotonic() + PATIENCE
    while process_lives(directory) and time.monotonic() < deadline:
        time.sleep(0.02)


def work(directory: Path) -> State:
    """Score the file of a job, writing down how far it is; return the last state."""
    with quick_imports():
        from kobert_demo.predictor import Predictor  # imports torch, which the page does without

    order, before = read_order(directory), read_state(directory)
    began: tuple[float, float] | None = None  # when this process began to score, and at which share
    written, share = 0.0, before.share

    def progress(now: float) -> None:
        nonlocal began, written, share
        share, clock = now, time.monotonic()
        began = began or (clock, now)
        if clock - written > WRITE_INTERVAL:
            gained = now - began[1]
            left = (clock - began[0]) / gained * (1 - now) if gained > 0 else None
            write_state(directory, State("scoring", now, left))
            written = clock

    try:
        predictor = Predictor(order.model, order.exact, best_device())
        out = output(directory, order)
        out.unlink(missing_ok=True)  # the process was killed before it could say that it was done
        path = Path(order.path)
        layout = choose_layout(path, order.how, predictor.labels, out, guard=order.guard)
        layout = replace(layout, text=order.text, label=order.label)
        summary = score_file(path, layout, predictor, out, resume=True, progress=progress)
    except KobertDemoError as error:
        return State("failed", share, error=error.messages[0])
    except Exception as error:
        traceback.print_exc()
        return State("failed", share, error=_explain(error))
    return State("done", 1.0, labels=predictor.labels, summary=summary.as_json())


def _explain(problem: Exception) -> Message:
    """Say in words what nobody expected."""
    if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
        return Message("The disk is full: free some space and go on.")
    return Message(
        "It ended with an unexpected error ({kind}: {text}); more stands in {log}.",
        {"kind": type(problem).__name__, "text": str(problem)[:200], "log": LOG},
    )


def main() -> None:
    workspace, job = sys.argv[1:]
    directory = Path(workspace) / "scores" / job
    os.nice(NICENESS)
    write_state(directory, work(directory))


if __name__ == "__main__":
    main()
