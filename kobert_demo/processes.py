"""Processes of the project's own that outlive the page, the shell and the app that started them.

Each holds a lock on its directory for as long as it lives. The lock tells the truth about it, where a
process id may belong to somebody else by now, and it is held before the process's first instruction:
whoever starts it takes the lock and hands it down.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

PROJECT = Path(__file__).parents[1]
LOCK = "worker.lock"
LOG = "worker.log"
# Threads that spin long for each other keep the cores from whoever has the work. Sentences a second of
# `mini` on two cores, alone and beside two busy processes: 155 and 44 by default, 149 and 72 so, 136 and
# 82 without any spinning (medians of a few repeats).
ENVIRONMENT = {"GOMP_SPINCOUNT": "30000"}


@contextmanager
def lock_directory(directory: Path) -> Iterator[TextIO]:
    """Make a directory and hold its lock, until a process takes it over.

    Raises:
        BlockingIOError: the process that was started for this directory still lives.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield lock


def start_process(
    directory: Path, lock: TextIO, module: str, *arguments: str
) -> subprocess.Popen[bytes]:
    """Start `python -m module arguments`, which holds `lock`; its output goes on in `worker.log`."""
    with (directory / LOG).open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )


def process_lives(directory: Path) -> bool:
    """Say whether the lock of the process that was started for a directory is held."""
    try:
        with (directory / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
