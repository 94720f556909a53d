"""A model on the hub -> its files here and a verdict on them, in a process of its own.

`python -m kobert_demo.preparing WORKSPACE NAME` downloads what is missing and asks every question of the
model once. The page that wants the model starts it and reads how far it is; the shell's verbs do the same
work before its user's eyes (`model_verbs.obtain`).
"""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from kobert_demo.download import download_model
from kobert_demo.errors import KobertDemoError
from kobert_demo.language import Message
from kobert_demo.model_files import find_model, from_anywhere, needs_download
from kobert_demo.processes import lock_directory, process_lives, start_process
from kobert_demo.verify import verify_once

WRITE_INTERVAL = 0.5  # seconds
PATIENCE = 5.0  # seconds that a process which has ended its work gets to go
Stage = Literal["downloading", "checking", "ready", "failed"]


@dataclass(frozen=True)
class Preparation:
    """How far a model is.

    Attributes:
        done, total: bytes of its files that are here, and of all of them; 0 before that is known.
        error: why it failed.
    """

    stage: Stage
    done: int = 0
    total: int = 0
    error: Message | None = None

    @property
    def active(self) -> bool:
        return self.stage in ("downloading", "checking")


class Preparations:
    """The models that are made ready for one workspace.

    Args:
        workspace: the directory that holds datasets and runs.
    """

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def directory(self, name: str) -> Path:
        return self._workspace / "models" / hashlib.sha256(name.encode()).hexdigest()[:16]

    def start(self, name: str) -> None:
        """Begin to make a model ready; nothing where that is under way."""
        directory = self.directory(name)
        state = read_state(directory)
        if state is None or not state.active:
            _await_end(directory)
        with suppress(BlockingIOError), lock_directory(directory) as lock:
            write_state(directory, Preparation("downloading"))
            words = (str(self._workspace), from_anywhere(name))
            process = start_process(directory, lock, "kobert_demo.preparing", *words)
            (directory / "pid").write_text(str(process.pid))
            self._processes[name] = process

    def state(self, name: str) -> Preparation | None:
        """Return how far a model is; None where nobody has asked for it."""
        if name in self._processes:
            self._processes[name].poll()  # a child that ended stays until it is asked
        directory = self.directory(name)
        lives = process_lives(directory)  # before its last word is read
        state = read_state(directory)
        if state is not None and state.active and not lives:
            return Preparation("failed", error=Message("It was interrupted: start it again."))
        return state

    def stop(self, name: str) -> None:
        """End the work on a model; what came of its files is kept, and the next time goes on from it."""
        directory = self.directory(name)
        with suppress(OSError, ValueError):
            pid = int((directory / "pid").read_text())
            if process_lives(directory):
                os.killpg(pid, signal.SIGTERM)
        _await_end(directory)
        (directory / "state.json").unlink(missing_ok=True)


def _await_end(directory: Path) -> None:
    """Wait until the process of a directory, which has said its last word, is gone."""
    deadline = time.monotonic() + PATIENCE
    while process_lives(directory) and time.monotonic() < deadline:
        time.sleep(0.05)


def read_state(directory: Path) -> Preparation | None:
    try:
        state = json.loads((directory / "state.json").read_text(encoding="utf-8"))
        error = Message(**state["error"]) if state["error"] else None
        return Preparation(state["stage"], state["done"], state["total"], error)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_state(directory: Path, state: Preparation) -> None:
    """Put a state in the place of the one before; a reader sees one or the other."""
    row = asdict(state)
    if state.error:
        values = {name: str(value) for name, value in state.error.values.items()}
        row["error"] = {"text": state.error.text, "values": values}
    new = directory / "state.json.new"
    new.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    new.replace(directory / "state.json")


def prepare(name: str, workspace: Path, directory: Path) -> Preparation:
    """Download and check a model, writing down how far it is; return the last state."""
    written = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal written
        if time.monotonic() - written > WRITE_INTERVAL:
            write_state(directory, Preparation("downloading", done, total))
            written = time.monotonic()

    try:
        if needs_download(name):
            download_model(name, progress)
        write_state(directory, Preparation("checking"))
        verify_once(find_model(name), workspace)
    except KobertDemoError as error:
        return Preparation("failed", error=error.messages[0])
    except Exception as error:
        traceback.print_exc()
        return Preparation("failed", error=explain(error))
    return Preparation("ready")


def explain(problem: Exception) -> Message:
    """Say in words what nobody expected."""
    if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
        return Message("The disk is full: free some space and start again.")
    return Message(
        "It ended with an unexpected error ({kind}: {text}): look at the model's files.",
        {"kind": type(problem).__name__, "text": str(problem)[:200]},
    )


def main() -> None:
    workspace, name = sys.argv[1:]
    directory = Preparations(Path(workspace)).directory(name)
    write_state(directory, prepare(name, Path(workspace), directory))


if __name__ == "__main__":
    main()
