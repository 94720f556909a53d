"""A trained model -> a bundle: a directory in Hugging Face format with everything to classify with."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kobert_demo.config import SETTINGS, TrainingConfig
from kobert_demo.encoding import Vocabulary
from kobert_demo.errors import ModelError
from kobert_demo.model_card import model_card, public_name
from kobert_demo.model_files import RECORD, UNREADABLE_JSON, ModelFiles
from kobert_demo.store import Row

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from kobert_demo.events import Evaluation

ANSWERS = "answers.npy"
UNFINISHED = ".unfinished-"  # begins the name of a bundle that is being written


def save_bundle(
    directory: Path,
    model: "PreTrainedModel",
    vocabulary: Vocabulary,
    record: Row,
    best: "Evaluation | None",
) -> None:
    """Write a bundle; `directory` appears whole or not at all.

    It holds `model.safetensors`, `config.json` with the labels, the vocabulary's files, the run's frozen
    record, a model card, and the label ids that `read_answers` reads.

    Args:
        best: how the model did on its test data; None where nobody has measured it.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=directory.parent))
    try:
        model.save_pretrained(unfinished)
        for name, content in vocabulary.files(record["config"]["max_length"]).items():
            (unfinished / name).write_bytes(content)
        described = json.dumps(_public(record), ensure_ascii=False, indent=2)
        (unfinished / RECORD).write_text(described, encoding="utf-8")
        (unfinished / "README.md").write_text(
            model_card(record, vocabulary, best), encoding="utf-8"
        )
        if best:
            np.save(unfinished / ANSWERS, best.answers.astype(np.int32))
        unfinished.chmod(0o755)
        for path in unfinished.iterdir():
            path.chmod(0o644)
            with path.open("rb") as file:
                os.fsync(file.fileno())
        unfinished.rename(directory)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _public(record: Row) -> Row:
    """Return a record without what is nobody's business where the bundle goes: paths and the host."""
    shared = {name: value for name, value in record.items() if name not in ("host", "weights")}
    return {
        **shared,
        "config": {**record["config"], "model": public_name(record["config"]["model"])},
    }


def read_max_length(files: ModelFiles) -> int:
    """Return the `max_length` that a bundle was trained with; the usual one where it has no record.

    Raises:
        ModelError: the record cannot be read.
    """
    if not (files.directory / RECORD).is_file():
        return min(TrainingConfig.max_length, files.shape.positions)
    try:
        max_length = int(read_record(files.directory)["config"]["max_length"])
        if not SETTINGS["max_length"].lowest <= max_length <= files.shape.positions:
            raise ValueError
        return max_length
    except UNREADABLE_JSON:
        raise _unreadable(files.directory / RECORD) from None


def read_record(directory: Path) -> Row:
    """Return what was frozen into the run of a bundle.

    Raises:
        ModelError: it cannot be read.
    """
    path = directory / RECORD
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except UNREADABLE_JSON:
        raise _unreadable(path) from None


def read_answers(directory: Path) -> NDArray[np.int64] | None:
    """Return what a bundle's run knew of its test sentences, in their order.

    They are (2, sentences) true and predicted label ids; None in bundles that do not hold them.
    """
    try:
        return np.asarray(np.load(directory / ANSWERS), np.int64)
    except (OSError, ValueError):
        return None


def _unreadable(path: Path) -> ModelError:
    return ModelError(
        "{path} cannot be read: it must hold the record that the run was saved with.", path=path
    )
