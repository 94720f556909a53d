"""Checkpoints on disk: whole or not there, the last two, and damage is noticed."""

import logging
from pathlib import Path

import pytest
import torch

from kobert_demo.checkpoint import (
    checkpoint_steps,
    finish_checkpoint,
    forget_checkpoints,
    load_checkpoint,
    write_checkpoint,
)


def state(step: int) -> dict[str, object]:
    return {"step": step, "weights": torch.arange(1000) * step}


def save_checkpoint(directory: Path, state: dict[str, object]) -> None:
    finish_checkpoint(write_checkpoint(directory, state))


def newest(directory: Path, step: int) -> Path:
    (path,) = directory.glob(f"checkpoint-{step}-*.pt")
    return path


def test_the_newest_is_read_back_and_two_are_kept(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    for step in (9, 10, 100):
        save_checkpoint(tmp_path, state(step))
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found["step"] == 100
    assert torch.equal(found["weights"], torch.arange(1000) * 100)
    assert checkpoint_steps(tmp_path) == [100, 10]
    forget_checkpoints(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["empty", "half", "one bit"])
def test_where_one_is_damaged_the_one_before_is_used(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path, state(step))
    path = newest(tmp_path, 2)
    content = bytearray(path.read_bytes())
    if damage == "one bit":
        content[len(content) // 2] ^= 1
    path.write_bytes({"empty": b"", "half": content[: len(content) // 2]}.get(damage, content))
    with caplog.at_level(logging.WARNING):
        found = load_checkpoint(tmp_path)
    assert found is not None
    assert found["step"] == 1
    assert f"{path.name} is damaged" in caplog.text


def test_of_two_at_one_step_the_later_is_used(tmp_path: Path) -> None:
    for owes_evaluation in (True, False):  # before the step's evaluation, and after it
        save_checkpoint(tmp_path, {**state(4), "owes_evaluation": owes_evaluation})
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert not found["owes_evaluation"]


def test_where_all_are_damaged_there_is_none(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, state(1))
    newest(tmp_path, 1).write_bytes(b"nothing")
    assert load_checkpoint(tmp_path) is None


def test_one_that_is_not_finished_is_not_read(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, state(1))
    unfinished = write_checkpoint(tmp_path, state(2))
    assert checkpoint_steps(tmp_path) == [1]
    finish_checkpoint(unfinished)
    assert checkpoint_steps(tmp_path) == [2, 1]


def test_what_a_killed_process_left_goes_with_the_next_one(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, state(1))
    save_checkpoint(tmp_path, state(2))
    assert [path.name for path in tmp_path.iterdir()] == [newest(tmp_path, 2).name]
    write_checkpoint(tmp_path, state(3))
    forget_checkpoints(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_late_leaves_the_ones_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, state(1))
    unfinished = write_checkpoint(tmp_path, state(2))

    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("kobert_demo.checkpoint.os.fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        finish_checkpoint(unfinished)
    assert [path.suffix for path in tmp_path.iterdir()] == [".pt"]


def test_a_full_disk_leaves_the_ones_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, state(1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kobert_demo.checkpoint.torch.save", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(tmp_path, state(2))
    assert checkpoint_steps(tmp_path) == [1]
    assert len(list(tmp_path.iterdir())) == 1
