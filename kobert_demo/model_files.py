"""Where a model's files are: names and directories -> `ModelFiles`, without reading any weights."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_demo.errors import ModelError
from kobert_demo.hub import VOCABULARIES, WEIGHTS, cached_model, hub_answers, parse_hub_name
from kobert_demo.language import Message

BUILT_IN = Path(__file__).with_name("models")
KOBERT = "skt/kobert-base-v1"
READY_MADE = "mini-emotions"  # the built-in model that is trained to classify
# What people fine-tune for Korean, by their names on the Hugging Face hub.
ENCODERS = (
    KOBERT,
    "mini",
    *("monologg/kobert", "monologg/distilkobert"),
    *("klue/bert-base", "klue/roberta-small", "klue/roberta-base", "klue/roberta-large"),
    *("monologg/koelectra-base-v3-discriminator", "monologg/koelectra-small-v3-discriminator"),
    *("beomi/KcELECTRA-base", "beomi/KcELECTRA-base-v2022"),
)
# What reading somebody's JSON may raise, and what looking for values in it.
UNREADABLE_JSON = (
    *(OSError, ValueError, TypeError, LookupError, AttributeError, StopIteration),
    *(OverflowError, RecursionError),
)
RECORD = "record.json"  # what a classifier was trained with; an encoder alone has none
PATTERNS = ("*.spiece", "*.model", *VOCABULARIES)  # of a vocabulary: the first that is there counts
# The sizes of an encoder, by the names that each kind has for them, and what a config.json means that
# leaves one out (transformers' configurations).
_BERT = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "max_position_embeddings": 512,
}
KINDS = {
    "bert": _BERT,
    "roberta": _BERT,
    "electra": {**_BERT, "hidden_size": 256, "intermediate_size": 1024},
    "distilbert": {"dim": 768, "hidden_dim": 3072, "n_layers": 6, "max_position_embeddings": 512},
}


@dataclass(frozen=True)
class Shape:
    """An encoder's kind and sizes.

    Attributes:
        kind: transformers' `model_type`.
        width, inner: of a layer and of its feed-forward part.
        positions: the longest text in pieces, [CLS] and [SEP] counted.
        config: the whole `config.json`.
    """

    kind: str
    width: int
    inner: int
    layers: int
    positions: int
    config: dict[str, Any]

    @property
    def parameters(self) -> int:
        """The number of weights in the layers (embeddings do no matrix products)."""
        return self.layers * (4 * self.width**2 + 2 * self.width * self.inner)


@dataclass(frozen=True)
class ModelFiles:
    """The files of one model directory in Hugging Face format.

    Attributes:
        name: as the person gave it.
        weights: None where the directory holds a shape without weights.
        vocabulary: its SentencePiece file, `tokenizer.json` or `vocab.txt`.
        revision: the commit of a model from the hub; None for any other.
    """

    name: str
    directory: Path
    weights: Path | None
    vocabulary: Path
    shape: Shape
    revision: str | None = None

    @property
    def lasting_name(self) -> str:
        """What finds these very files from anywhere and later: a name, a whole path, a commit."""
        if self.revision:
            return f"{self.name.partition('@')[0]}@{self.revision}"
        return self.name if self.name in built_in_models() else str(self.directory)


def read_shape(directory: Path) -> Shape:
    """Return what `config.json` says of the encoder.

    Raises:
        ModelError: it cannot be read, or describes none of `KINDS`.
    """
    try:
        config = json.loads((directory / "config.json").read_text("utf-8"))
        kind = config.get("model_type") or _kind_of(config["architectures"][0])
        width, inner, layers, positions = (
            int(config.get(name, usual) + 0) for name, usual in KINDS[kind].items()
        )
        if kind == "roberta":  # its positions are counted from the padding id on
            positions -= int(config.get("pad_token_id", 1)) + 1
        if not (
            0 < width <= 2**14
            and 0 < inner <= 2**16
            and 0 < layers <= 2**8
            and 3 < positions <= 2**16
        ):
            raise ValueError
        return Shape(kind, width, inner, layers, positions, config)
    except UNREADABLE_JSON:
        raise ModelError(
            "The config.json of {name} does not describe an encoder that can be used here: its "
            '"model_type" must be one of {kinds}, and its sizes must be whole numbers above 0.',
            name=directory,
            kinds=", ".join(KINDS),
        ) from None


def _kind_of(architecture: str) -> str:
    """Return the kind of a config.json from before `model_type` was written, by its class's name."""
    return next(kind for kind in KINDS if architecture.lower().startswith(kind))


def built_in_models() -> tuple[str, ...]:
    """Return the names of the models that come with the project."""
    return tuple(sorted(path.parent.name for path in BUILT_IN.glob("*/config.json")))


def default_model(gpu: bool) -> tuple[str, Message]:
    """Return the model to begin with and the reason in words: KoBERT where it can be had and trained.

    Without a GPU nobody is asked; with one, the hub is (for three seconds) where KoBERT is not here.
    """
    if not gpu:
        return "mini", Message(
            "mini is the default here: no GPU was found, and KoBERT takes hours without one."
        )
    if needs_download(KOBERT) and not hub_answers():
        return "mini", Message(
            "mini is the default here: KoBERT is not on this machine, and its hub does not answer."
        )
    return KOBERT, Message("KoBERT is the default here: there is a GPU to train it on.")


def needs_download(name: str) -> bool:
    """Say whether `name` is a model on the hub whose files are not on this machine."""
    return _directory(name) is None and bool(parse_hub_name(name)) and cached_model(name) is None


def from_anywhere(name: str) -> str:
    """Return a name that means the same model from every working directory."""
    directory = _directory(name)
    return name if directory is None or name in built_in_models() else str(directory)


def find_model(name: str) -> ModelFiles:
    """Return the files of a built-in model, of a local directory, or of a model that was downloaded.

    Raises:
        ModelError: there is no such model on this machine, it holds none of `KINDS`, or files are
            missing; all of these are named.
    """
    directory = _directory(name)
    downloaded = cached_model(name) if directory is None and parse_hub_name(name) else None
    directory = directory or downloaded
    if directory is None:
        raise _not_here(name)
    weights = next((path for file in WEIGHTS if (path := directory / file).is_file()), None)
    vocabularies = [path for kind in PATTERNS for path in sorted(directory.glob(kind))]
    missing = [
        what
        for what, there in (
            ("config.json", (directory / "config.json").is_file()),
            (" / ".join(WEIGHTS), weights or name in built_in_models()),
            (" / ".join(kind.removeprefix("*") for kind in PATTERNS), vocabularies),
        )
        if not there
    ]
    if missing:
        raise ModelError(
            "{directory} is not a complete model, these files are missing: {files}.",
            directory=directory,
            files=", ".join(missing),
        )
    shape = read_shape(directory)
    revision = downloaded.name if downloaded else None
    return ModelFiles(name, directory, weights, vocabularies[0], shape, revision)


def _not_here(name: str) -> ModelError:
    if parse_hub_name(name):
        return ModelError(
            "{name} is not on this machine: download it first (python -m kobert_demo verify --model "
            "{name}), or copy its folder here and give the path.",
            name=name,
        )
    return ModelError(
        "There is no model {name}: choose a built-in one ({models}), or give a directory in Hugging "
        "Face format or a name on its hub, such as {kobert}.",
        name=name,
        models=", ".join(built_in_models()),
        kobert=KOBERT,
    )


def _directory(name: str) -> Path | None:
    """Return the directory that `name` means, from the root; None where there is none."""
    if name in built_in_models():
        return BUILT_IN / name
    if not name.strip():
        return None
    try:
        directory = Path(name).expanduser().resolve()
        return directory if directory.is_dir() else None
    except (OSError, RuntimeError, ValueError):  # too long, of an unknown user, with a NUL
        return None
