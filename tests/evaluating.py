"""What tests evaluate: a real run of `mini` on a small part of the comments, and made-up scores."""

import time
from pathlib import Path

import numpy as np

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice, Dataset, detect_columns, parse, save_dataset
from kobert_demo.evaluation.scoring import Scored
from kobert_demo.reading import detect_format
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from tests.conftest import PROJECT

COMMENTS = PROJECT.parent / "shared" / "data" / "emotions7-comments.tsv"
ROWS = 700
TRAINING_SECONDS = 180


def write_part(path: Path, first: int = 0, rows: int = ROWS) -> Path:
    """Write a part of the comments, from its row `first`, as a file of its own."""
    header, *lines = COMMENTS.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([header, *lines[first : first + rows], ""]), encoding="utf-8")
    return path


def read(path: Path) -> Dataset:
    how = detect_format(path)
    return parse(path, how, detect_columns(path, how), name=path.name)


def train_mini(workspace: Path) -> tuple[Runs, Run]:
    """Train two epochs on a part of the comments in a worker, and return it when it has ended."""
    data = read(write_part(workspace.with_name("part.tsv")))
    runs = Runs(workspace)
    config = TrainingConfig("mini", epochs=2, batch_size=32, learning_rate=5e-4, max_length=48)
    choice = DataChoice(save_dataset(data, workspace), None, 0.4, 3)
    run = runs.launch(choice, config)
    deadline = time.monotonic() + TRAINING_SECONDS
    while runs.get(run).active:
        assert time.monotonic() < deadline, runs.log(run)
        time.sleep(0.1)
    assert runs.get(run).status == "finished", runs.log(run)
    return runs, runs.get(run)


def made_up(texts: list[str], true: list[int], logits: list[list[float]], **more: object) -> Scored:
    """Return scores of sentences on lines 2, 3, ... with labels a, b, ..."""
    labels = tuple("abcdefg"[: len(logits[0])])
    lines = np.arange(2, len(texts) + 2, dtype=np.int32)
    data = Dataset("made up", texts, np.array(true, np.int32), lines, labels, len(texts))
    return Scored(data, np.array(logits, np.float32), **more)
