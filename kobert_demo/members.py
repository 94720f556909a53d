"""The other processes of a run on this machine: started, joined, watched, and never left behind.

The worker is rank 0: it alone writes steps, checkpoints and bundles. Each of the others is
`python -m kobert_demo.members WORKSPACE RUN DEVICE RANK SIZE MEETING`, and ends with the worker, whatever
ends that: the pipe to its standard input breaks.
"""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from kobert_demo.beside import beside
from kobert_demo.device import training_threads
from kobert_demo.errors import RunError
from kobert_demo.failures import known
from kobert_demo.group import ALONE, Group
from kobert_demo.imports import quick_imports
from kobert_demo.language import Message
from kobert_demo.notification import notify
from kobert_demo.processes import PROJECT
from kobert_demo.runs import Runs

LOOK = 0.2  # seconds between two looks at whether all live
GRACE = (
    10.0  # seconds to end in order: for the others at the end, for the worker after one has died
)

log = logging.getLogger("kobert_demo")


@contextmanager
def gathered(runs: Runs, run: str, devices: Sequence[str]) -> Iterator[Group]:
    """Train with one process on each of `devices`, of which this is the first; yield their group.

    Raises:
        RunError: one of the others has died.
    """
    if len(devices) == 1:
        yield ALONE
        return
    with tempfile.TemporaryDirectory() as directory:
        meeting = Path(directory) / "meeting"
        others = [
            _start(runs, run, device, rank, len(devices), meeting)
            for rank, device in enumerate(devices)
            if rank
        ]
        try:
            with beside(partial(_watch, runs, run, others)):
                yield join(devices[0], 0, len(devices), meeting)
            _wait(others)
        except RuntimeError as problem:  # what torch raises where one of the others is gone
            if not _one_died(others):
                raise
            death = _death(others)
            raise RunError(death.text, (), **death.values) from problem
        finally:
            for other in others:
                other.kill()
                other.wait()


def _start(
    runs: Runs, run: str, device: str, rank: int, size: int, meeting: Path
) -> subprocess.Popen[bytes]:
    words = map(str, (runs.workspace, run, device, rank, size, meeting))
    return subprocess.Popen(
        [sys.executable, "-m", "kobert_demo.members", *words], cwd=PROJECT, stdin=subprocess.PIPE
    )


def _watch(
    runs: Runs, run: str, others: Sequence[subprocess.Popen[bytes]], over: threading.Event
) -> None:
    """End the run where one of the others dies and this process goes on waiting for it.

    (Over gloo it is told at once that the connection is gone; over NCCL it waits for minutes.)
    """
    while not over.wait(LOOK):
        if not any(other.poll() for other in others):
            continue
        if over.wait(GRACE):
            return
        death = _death(others)
        log.error("%s", death)
        runs.store.end(run, "failed", death)
        notify(runs.store.run(run))
        for other in others:
            other.kill()
        os._exit(1)


def _death(others: Sequence[subprocess.Popen[bytes]]) -> Message:
    return Message(
        "One of the {count} processes of this run died: it was killed, or the last lines of the log say "
        "why. Resume the run to go on from its last checkpoint.",
        {"count": len(others) + 1},
    )


def _one_died(others: Sequence[subprocess.Popen[bytes]]) -> bool:
    """Say whether one of the others died; its connection may be gone a moment before."""
    until = time.monotonic() + 10 * LOOK
    while time.monotonic() < until:
        if any(other.poll() for other in others):
            return True
        time.sleep(LOOK / 10)
    return False


def _wait(others: Sequence[subprocess.Popen[bytes]]) -> None:
    """Let the others, who have left the training too, end in order."""
    until = time.monotonic() + GRACE
    for other in others:
        with suppress(subprocess.TimeoutExpired):
            other.wait(max(0.0, until - time.monotonic()))


def join(device: str, rank: int, size: int, meeting: Path) -> Group:
    """Join the processes of a run; `meeting` is a file that does not exist before they do."""
    import torch
    from torch.distributed import init_process_group

    from kobert_demo.group import joined

    kind = device.partition(":")[0]
    os.environ |= {
        "RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_RANK": str(rank),
        "LOCAL_WORLD_SIZE": str(size),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
        "GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo",  # nobody else can listen
    }
    if kind == "cuda":
        torch.cuda.set_device(device)
    backend = "nccl" if kind == "cuda" else "gloo"
    init_process_group(backend, init_method=f"file://{meeting}", rank=rank, world_size=size)
    return joined(device)


def _end_with_the_worker() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """Train with the worker until it leaves."""
    workspace, run, device, rank, size, meeting = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the worker says when to end
    threading.Thread(target=_end_with_the_worker, daemon=True).start()
    runs = Runs(Path(workspace))
    try:
        _train(runs, run, device, int(rank), int(size), Path(meeting))
    except Exception as problem:
        log.exception("process %s of the run ends", rank)
        if (why := known(problem)) is not None:  # else the worker says that it died
            runs.store.end(run, "failed", why)
        sys.exit(1)


def _train(runs: Runs, run: str, device: str, rank: int, size: int, meeting: Path) -> None:
    with quick_imports():
        from kobert_demo.run_start import run_start
        from kobert_demo.training import train

    share_threads(size)
    start = run_start(runs, run, device)
    group = join(device, rank, size, meeting)
    data = (start.train_data, start.test_data)
    for _ in train(start.model, *data, start.config, start.state, group):
        pass


def share_threads(processes: int) -> None:
    """Let the processes of a run take together the threads that one takes."""
    import torch

    torch.set_num_threads(max(1, training_threads(torch.get_num_threads()) // processes))


if __name__ == "__main__":
    main()
