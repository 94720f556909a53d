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


def save_checkpoint(directory: Path, state: State) -> None:
    """Write a checkpoint, which appears whole or not at all; the last two stay.

    Raises:
        OSError: the disk is full, or cannot be written to.
    """
    unfinished = directory / "checkpoint.new"
    try:
        with unfinished.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        name = f"checkpoint-{state['step']}-{_hash(unfinished)}.pt"
        unfinished.replace(directory / name)
        _make_last(directory)
    finally:
        unfinished.unlink(missing_ok=True)
    for path in _newest_first(directory)[KEPT:]:
        path.unlink()


def _make_last(directory: Path) -> None:
    """Have the name itself on the disk, too, before an older file goes."""
    opened = os.open(directory, os.O_RDONLY)
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
    for path in _newest_first(directory):
        path.unlink()


def _newest_first(directory: Path) -> list[Path]:
    found = (path for path in directory.glob("checkpoint-*.pt") if NAME.fullmatch(path.name))
    return sorted(found, key=_step, reverse=True)


def _step(path: Path) -> int:
    return int(path.name.split("-")[1])


def _hash(path: Path) -> str:
    return digest(path)[:16]
