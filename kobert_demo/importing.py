"""The weights of a notebook -> a bundle in a run of its own.

A notebook saves `model.state_dict()` of its `BERTClassifier`: tensors named `bert.*`, `classifier.weight`
and `classifier.bias`, sometimes within a checkpoint, sometimes with the `module.` of DataParallel. Every
tensor is checked against the shape of the model that it was fine-tuned from.
"""

import hashlib
import pickle
import shutil
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from kobert_demo.bundle import save_bundle
from kobert_demo.config import TrainingConfig
from kobert_demo.errors import DataError, ModelError
from kobert_demo.language import Message
from kobert_demo.model import empty_classifier
from kobert_demo.model_files import find_model
from kobert_demo.runs import Runs, check_length, versions
from kobert_demo.vocabularies import read_vocabulary

WRAPPERS = ("model", "model_state_dict", "state_dict")
PREFIXES = ("module.", "model.", "_orig_mod.")
# No weights: old versions of transformers saved them.
HARMLESS = ("embeddings.position_ids", "embeddings.token_type_ids")
NAMED = 20  # tensors of each kind of problem
Tensors = dict[str, torch.Tensor]


def import_model(
    runs: Runs, path: Path, labels: Sequence[str], config: TrainingConfig, name: str
) -> str:
    """Make a run with a bundle of the weights in `path`, and return its id.

    Args:
        labels: in the order of the class numbers that the notebook trained with.
        config: `model` names what was fine-tuned, `max_length` what sentences were cut at.

    Raises:
        DataError: the labels cannot be used.
        ModelError: the file is no state_dict of such a model; all that does not fit is named.
        ConfigError: `max_length` is more than the model reads.
    """
    check_labels(labels)
    files = find_model(config.model)
    check_length(files, config)
    vocabulary = read_vocabulary(files.vocabulary)
    tensors = read_state_dict(path)
    model = empty_classifier(files, labels, config.dropout, vocabulary)
    _check(tensors, model.state_dict(), len(labels))
    model.load_state_dict({name: tensors[name] for name in model.state_dict()})
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    record = {
        "config": asdict(config),
        "labels": list(labels),
        "imported": {"sha256": sha256},
        "weights": files.lasting_name,
        "revision": files.revision,
        "vocabulary_sha256": vocabulary.sha256,
        "versions": versions(),
    }
    run = runs.new_id()
    try:
        save_bundle(runs.directory(run) / "bundle-0", model, vocabulary, record, None)
        runs.store.add_imported(run, name, record, "bundle-0")
    except BaseException:
        shutil.rmtree(runs.directory(run), ignore_errors=True)
        raise
    return run


def check_labels(labels: Sequence[str]) -> None:
    """Raise `DataError` where these cannot be the labels of a classifier."""
    if len(labels) < 2 or not all(labels) or len(set(labels)) < len(labels):
        raise DataError(
            "Give at least two different labels, with commas between them, in the order of their class "
            "numbers: 0 first."
        )


def read_state_dict(path: Path) -> Tensors:
    """Return the tensors of a file, by their names without wrappers; nothing in it is run.

    Raises:
        ModelError: it holds something else.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise (_more_than_tensors if _is_pickle(path) else _no_state_dict)(path) from error
    except (OSError, EOFError, RuntimeError, ValueError, LookupError, TypeError) as error:
        raise _no_state_dict(path) from error
    for _ in WRAPPERS:  # each at most once: a dictionary may hold itself
        if isinstance(content, Mapping):
            content = _unwrapped(content)
    tensors = {
        _bare(name): tensor
        for name, tensor in (content.items() if isinstance(content, Mapping) else ())
        if isinstance(name, str) and isinstance(tensor, torch.Tensor)
    }
    if not tensors:
        raise _no_state_dict(path)
    return {name: tensor for name, tensor in tensors.items() if not name.endswith(HARMLESS)}


def _is_pickle(path: Path) -> bool:
    """Say whether torch wrote a file, or pickle did: a zip of torch's, or a pickle's first byte."""
    with path.open("rb") as file:
        start = file.read(4)
    return start[:1] == b"\x80" or (start == b"PK\x03\x04" and zipfile.is_zipfile(path))


def _unwrapped(content: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return next((content[w] for w in WRAPPERS if isinstance(content.get(w), Mapping)), content)


def _bare(name: str) -> str:
    """Return a tensor's name without what torch's DataParallel and others put before it."""
    while name.startswith(PREFIXES):
        name = name.partition(".")[2]
    return name


def _more_than_tensors(path: Path) -> ModelError:
    return ModelError(
        "{file} holds more than tensors, as a whole pickled model does, and loading it would run whatever "
        "code is in it. Where you trained it, turn the model into a state_dict with these three lines, and "
        "import that file:\n"
        "import torch\n"
        'model = torch.load("{file}", weights_only=False)\n'
        'torch.save(model.state_dict(), "state_dict.pt")',
        file=path.name,
    )


def _no_state_dict(path: Path) -> ModelError:
    return ModelError(
        "{file} holds no state_dict: save one with torch.save(model.state_dict(), PATH) and import that.",
        file=path.name,
    )


def _check(tensors: Tensors, expected: Tensors, labels: int) -> None:
    """Raise `ModelError` with everything in `tensors` that does not fit."""
    problems = []
    layer = tensors.get("classifier.weight")
    miscounted = layer is not None and layer.ndim == 2 and len(layer) != labels
    if layer is not None and miscounted:
        problems.append(
            Message(
                "It was trained with {trained} labels, but {given} were given: give all of them, in "
                "their order.",
                {"trained": len(layer), "given": labels},
            )
        )
    if missing := sorted(expected.keys() - tensors.keys()):
        problems.append(Message("These tensors are missing: {names}.", _names(missing)))
    if unknown := sorted(tensors.keys() - expected.keys()):
        problems.append(Message("These tensors are of another model: {names}.", _names(unknown)))
    known = sorted(expected.keys() & tensors.keys())
    misshapen = [
        f"{name} ({_size(tensors[name])}, not {_size(expected[name])})"
        for name in known
        if tensors[name].shape != expected[name].shape
        and not (miscounted and name.startswith("classifier."))
    ]
    if misshapen:
        problems.append(Message("These tensors have another shape: {names}.", _names(misshapen)))
    alike = [name for name in known if tensors[name].shape == expected[name].shape]
    if broken := [name for name in alike if not _holds_weights(tensors[name])]:
        problems.append(Message("These tensors hold no finite numbers: {names}.", _names(broken)))
    if problems:
        raise ModelError(
            "These weights do not fit the model: choose the one that was fine-tuned, and its labels.",
            also=tuple(problems),
        )


def _holds_weights(tensor: torch.Tensor) -> bool:
    """Say whether a tensor is plain, of floating-point numbers, and finite as float32."""
    plain = tensor.layout == torch.strided and not (tensor.is_quantized or tensor.is_meta)
    return plain and tensor.is_floating_point() and bool(tensor.float().isfinite().all())


def _names(names: Sequence[str]) -> dict[str, object]:
    more = f" … + {len(names) - NAMED}" if len(names) > NAMED else ""
    return {"names": ", ".join(names[:NAMED]) + more}


def _size(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "1"
