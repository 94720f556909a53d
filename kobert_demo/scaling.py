"""A run's bundle -> the same bundle with a temperature.

The temperature goes into the weights of the last layer, as `ready_made` does it: every probability from
then on has it, also those of transformers, of an exported ONNX file and of another machine. The record and
the model card tell it.
"""

import json
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from kobert_demo.bundle import UNFINISHED, read_record
from kobert_demo.errors import ModelError, RunError
from kobert_demo.model_files import RECORD
from kobert_demo.processes import lock_directory
from kobert_demo.runs import Runs

WEIGHTS, CARD = "model.safetensors", "README.md"
LAST_LAYERS = (
    "classifier.out_proj",
    "classifier",
)  # RoBERTa's and ELECTRA's, BERT's and DistilBERT's
HEADING = "\n## Confidence\n"


@dataclass(frozen=True)
class Fit:
    """Where a temperature comes from.

    Attributes:
        data_sha256, rows: the sentences that it was fitted on, none of which may have been trained on.
        error_before, error_after: expected calibration error there, 0 to 1.
    """

    temperature: float
    data_sha256: str
    rows: int
    error_before: float
    error_after: float


def temperature_of(bundle: Path) -> float:
    """Return the temperature that a bundle's probabilities have already; 1 where nobody scaled it.

    Raises:
        ModelError: its record cannot be read.
    """
    return float(read_record(bundle).get("temperature", 1.0))


def scale(runs: Runs, run: str, fit: Fit | None) -> Path:
    """Give the bundle of a run the temperature of `fit`, or take it back for None; return the new bundle.

    The new one takes the place of the one before when it is whole.

    Raises:
        RunError: there is no such run, it has no bundle, or something else changes it just now.
        ModelError: the bundle's files cannot be read.
    """
    before = runs.bundle(run)
    try:
        with lock_directory(runs.directory(run)):
            before = runs.bundle(run)
            after = before.with_name(f"{before.name.partition('-t')[0]}-t{secrets.token_hex(4)}")
            _write(before, after, fit)
            runs.store.set_bundle(run, after.name)
    except BlockingIOError:
        raise RunError(
            "The run {run} is being worked on just now: try again when it has ended.", run=run
        ) from None
    shutil.rmtree(before, ignore_errors=True)
    return after


def _write(before: Path, after: Path, fit: Fit | None) -> None:
    """Write the bundle `after`, whole or not at all."""
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=before.parent))
    try:
        shutil.copytree(
            before, unfinished, ignore=shutil.ignore_patterns(WEIGHTS), dirs_exist_ok=True
        )
        record = read_record(before)
        ratio = record.pop("temperature", 1.0) / (fit.temperature if fit else 1.0)
        record.pop("temperature_fit", None)
        if fit:
            told = {name: value for name, value in vars(fit).items() if name != "temperature"}
            record |= {"temperature": fit.temperature, "temperature_fit": told}
        _write_weights(before / WEIGHTS, unfinished / WEIGHTS, ratio)
        text = json.dumps(record, ensure_ascii=False, indent=2)
        (unfinished / RECORD).write_text(text, encoding="utf-8")
        card = (before / CARD).read_text(encoding="utf-8").partition(HEADING)[0]
        (unfinished / CARD).write_text(card + (_told(fit) if fit else ""), encoding="utf-8")
        unfinished.chmod(0o755)
        for path in unfinished.iterdir():
            path.chmod(0o644)
        unfinished.rename(after)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _write_weights(before: Path, after: Path, ratio: float) -> None:
    """Write weights whose logits are `ratio` times those before."""
    try:
        tensors = load_file(before)
        last = next(layer for layer in LAST_LAYERS if f"{layer}.weight" in tensors)
        for name in (f"{last}.weight", f"{last}.bias"):
            tensors[name] = (tensors[name] * np.float64(ratio)).astype(tensors[name].dtype)
    except (OSError, ValueError, LookupError, StopIteration, SafetensorError) as error:
        raise ModelError(
            "{path} cannot be read: it must hold the weights that the run was saved with.",
            path=before,
        ) from error
    save_file(tensors, after, {"format": "pt"})


def _told(fit: Fit) -> str:
    return (
        f"{HEADING}\nAll logits are divided by the temperature {fit.temperature:.4g} (temperature "
        "scaling, Guo et al. 2017); the last layer's weights hold it already. It was fitted on "
        f"{fit.rows} sentences that were not trained on (SHA-256 `{fit.data_sha256}`): expected "
        f"calibration error {fit.error_before:.4f} before, {fit.error_after:.4f} after.\n"
    )
