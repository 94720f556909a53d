"""Where a model's files are: names and directories -> `ModelFiles`, without reading any weights."""

import json
from dataclasses import dataclass
from pathlib import Path

from kobert_demo.errors import ModelError

BUILT_IN = Path(__file__).with_name("models")
RECORD = "record.json"  # what a classifier was trained with; an encoder alone has none
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
    config = json.loads((files.directory / "config.json").read_text(encoding="utf-8"))
    width, inner = config["hidden_size"], config["intermediate_size"]
    return int(config["num_hidden_layers"] * (4 * width**2 + 2 * width * inner))


def built_in_models() -> tuple[str, ...]:
    """Return the names of the models that come with the project."""
    return tuple(sorted(path.parent.name for path in BUILT_IN.glob("*/config.json")))


def built_in_classifiers() -> tuple[str, ...]:
    """Return the names of those built-in models that are trained to classify."""
    return tuple(name for name in built_in_models() if (BUILT_IN / name / RECORD).is_file())


def find_model(name: str) -> ModelFiles:
    """Return the files of a built-in model or of a local directory.

    Raises:
        ModelError: there is no such directory, or files are missing; all of them are named.
    """
    built_in = name in built_in_models()
    directory = BUILT_IN / name if built_in else Path(name).expanduser()
    if not directory.is_dir():
        raise ModelError(
            "There is no model {name}: choose one of {models}, or give a directory in Hugging Face "
            "format.",
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
    return ModelFiles(name, directory, weights, vocabularies[0])
