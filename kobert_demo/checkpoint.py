"""The training loop's state -> a file to go on from, and back.

A file's name carries its step and the hash of its content, so that one that is damaged, or that power loss
left half-written, is noticed and the one before it used.
"""

import logging
import os
import re
from pathlib import Path

import torch

from kobert_demo.events import State
from kobert_demo.hub import digest

KEPT = 2
NAME = re.compile(r"checkpoint-(\d+)-([0-9a-f]{16})\.pt")

log = logging.getLogger(__name__)


def write_checkpoint(directory: Path, state: State) -> Path:
    """Write a checkpoint that does not count before `finish_checkpoint`; return its file.

    Raises:
        OSError: the disk is full, or cannot be written to.
    """
    _forget_unfinished(directory)
    unfinished = directory / "checkpoint.new"
    try:
        torch.save(state, unfinished)
        name = f"checkpoint-{state['step']}-{_hash(unfinished)}.new"
        return unfinished.replace(directory / name)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def finish_checkpoint(unfinished: Path) -> None:
    """Wait until the disk has a checkpoint, and let it appear; the last two stay.

    Raises:
        OSError: the disk is full, or broken.
    """
    try:
        _wait_for_disk(unfinished)
        unfinished.replace(unfinished.with_suffix(".pt"))
        _wait_for_disk(unfinished.parent)  # its name, too, before an older file goes
    finally:
        unfinished.unlink(missing_ok=True)
    for path in _newest_first(unfinished.parent)[KEPT:]:
        path.unlink()


def _wait_for_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def load_checkpoint(directory: Path) -> State | None:
    """Return the newest checkpoint that is whole, its tensors on the CPU; None where there is none."""
    for path in _newest_first(directory):
        if path.stem.endswith(_hash(path)):
            state: State = torch.load(path, map_location="cpu", weights_only=True)
            return state
        log.warning("%s is damaged: the checkpoint before it is used", path.name)
    return None


def checkpoint_steps(directory: Path) -> list[int]:
    """Return the steps of the checkpoints that are kept, the newest first."""
    return [_step(path) for path in _newest_first(directory)]


def forget_checkpoints(directory: Path) -> None:
    _forget_unfinished(directory)
    for path in _newest_first(directory):
        path.unlink()


def _forget_unfinished(directory: Path) -> None:
    """Delete what a process left that was killed while it wrote."""
    for path in directory.glob("checkpoint*.new"):
        path.unlink()


def _newest_first(directory: Path) -> list[Path]:
    """Return the checkpoints; there may be one before and one after the evaluation of a step."""
    found = (path for path in directory.glob("checkpoint-*.pt") if NAME.fullmatch(path.name))
    return sorted(found, key=lambda path: (_step(path), path.stat().st_mtime_ns), reverse=True)


def _step(path: Path) -> int:
    return int(path.name.split("-")[1])


def _hash(path: Path) -> str:
    return digest(path)[:16]
