"""Where a model's files are: names and directories -> `ModelFiles`, without reading any weights."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_demo.errors import ModelError

BUILT_IN = Path(__file__).with_name("models")
READY_MADE = "mini-emotions"  # the built-in model that is trained to classify
RECORD = "record.json"  # what a classifier was trained with; an encoder alone has none
# What a config.json that does not say otherwise means (transformers' BertConfig).
BERT_BASE = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "max_position_embeddings": 512,
}
WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class ModelFiles:
    """The files of one model directory in Hugging Face format.

    Attributes:
        name: as the person gave it.
        weights: None where the directory holds a shape without weights.
        vocabulary: its SentencePiece file.
    """

    name: str
    directory: Path
    weights: Path | None
    vocabulary: Path


def encoder_parameters(files: ModelFiles) -> int:
    """Return the number of weights in the encoder's layers (embeddings do no matrix products)."""
    config = read_shape(files.directory)
    width, inner = config["hidden_size"], config["intermediate_size"]
    return int(config["num_hidden_layers"] * (4 * width**2 + 2 * width * inner))


def read_shape(directory: Path) -> dict[str, Any]:
    """Return `config.json`, with what it leaves out.

    Raises:
        ModelError: it cannot be read, or describes another architecture than BERT.
    """
    try:
        config = {**BERT_BASE, **json.loads((directory / "config.json").read_text("utf-8"))}
        if config["model_type"] == "bert" and all(isinstance(config[n], int) for n in BERT_BASE):
            return config
    except (OSError, ValueError, TypeError, KeyError):
        pass
    raise ModelError(
        'The config.json of {name} does not describe a BERT model: it must say "model_type": "bert", and '
        "its sizes must be whole numbers.",
        name=directory,
    )


def built_in_models() -> tuple[str, ...]:
    """Return the names of the models that come with the project."""
    return tuple(sorted(path.parent.name for path in BUILT_IN.glob("*/config.json")))


def find_model(name: str) -> ModelFiles:
    """Return the files of a built-in model or of a local directory.

    Raises:
        ModelError: there is no such directory, it holds no BERT, or files are missing; all of these
            are named.
    """
    built_in = name in built_in_models()
    directory = BUILT_IN / name if built_in else _directory(name)
    if directory is None:
        raise ModelError(
            "There is no model {name}: choose a built-in one ({models}), or give a directory in Hugging "
            "Face format.",
            name=name,
            models=", ".join(built_in_models()),
        )
    weights = next((path for file in WEIGHTS if (path := directory / file).is_file()), None)
    vocabularies = sorted([*directory.glob("*.spiece"), *directory.glob("*.model")])
    missing = [
        what
        for what, there in (
            ("config.json", (directory / "config.json").is_file()),
            (" / ".join(WEIGHTS), weights or built_in),
            (".spiece / .model", vocabularies),
        )
        if not there
    ]
    if missing:
        raise ModelError(
            "{directory} is not a complete model, these files are missing: {files}.",
            directory=directory,
            files=", ".join(missing),
        )
    read_shape(directory)
    return ModelFiles(name, directory, weights, vocabularies[0])


def _directory(name: str) -> Path | None:
    """Return the directory that `name` means, from the root; None where there is none."""
    try:
        directory = Path(name).expanduser().resolve()
        return directory if directory.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # too long, of an unknown user, with a NUL
        return None
