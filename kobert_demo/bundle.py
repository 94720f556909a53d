"""A trained model -> a bundle: a directory in Hugging Face format with everything to classify with."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from kobert_demo.encoding import Vocabulary
from kobert_demo.errors import ModelError
from kobert_demo.model_files import RECORD
from kobert_demo.store import Row

if TYPE_CHECKING:
    from transformers import BertForSequenceClassification

    from kobert_demo.training import Evaluation

VOCABULARY = "vocabulary.spiece"
UNFINISHED = ".unfinished-"  # begins the name of a bundle that is being written


def save_bundle(
    directory: Path,
    model: "BertForSequenceClassification",
    vocabulary: Vocabulary,
    record: Row,
    best: "Evaluation",
) -> None:
    """Write a bundle; `directory` appears whole or not at all.

    It holds `model.safetensors`, `config.json` with the labels, the SentencePiece file, the run's frozen
    record and a model card.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=directory.parent))
    try:
        model.save_pretrained(unfinished)
        (unfinished / VOCABULARY).write_bytes(vocabulary.model)
        described = json.dumps(record, ensure_ascii=False, indent=2)
        (unfinished / RECORD).write_text(described, encoding="utf-8")
        (unfinished / "README.md").write_text(model_card(record, best), encoding="utf-8")
        unfinished.chmod(0o755)
        for path in unfinished.iterdir():
            path.chmod(0o644)
            with path.open("rb") as file:
                os.fsync(file.fileno())
        unfinished.rename(directory)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def read_max_length(directory: Path, otherwise: int) -> int:
    """Return the `max_length` that a bundle was trained with; `otherwise` where it has no record.

    Raises:
        ModelError: the record cannot be read.
    """
    if not (directory / RECORD).is_file():
        return otherwise
    try:
        return int(read_record(directory)["config"]["max_length"])
    except (ValueError, TypeError, KeyError):
        raise _unreadable(directory / RECORD) from None


def read_record(directory: Path) -> Row:
    """Return what was frozen into the run of a bundle.

    Raises:
        ModelError: it cannot be read.
    """
    path = directory / RECORD
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise _unreadable(path) from None


def _unreadable(path: Path) -> ModelError:
    return ModelError(
        "{path} cannot be read: it must hold the record that the run was saved with.", path=path
    )


def model_card(record: Row, best: "Evaluation") -> str:
    """Return a model card in Markdown; every figure is the saved model's own."""
    config, data = record["config"], record["data"]
    rows = [
        f"| `{label}` | {support} | {_share(hits, support)} | {_share(hits, predicted)} |"
        for label, hits, support, predicted in zip(
            record["labels"],
            best.confusion.diagonal(),
            best.confusion.sum(1),
            best.confusion.sum(0),
            strict=True,
        )
    ]
    settings = [f"| {name} | `{value}` |" for name, value in config.items()]
    return "\n".join(
        [
            "# Korean sentence classifier",
            "",
            f"Fine-tuned from `{config['model']}` with KoBERT Demo. It gives one of "
            f"{len(record['labels'])} labels to a Korean sentence.",
            "",
            "## Measured",
            "",
            f"On {data['test_rows']} test sentences, after step {best.step} (epoch {best.epoch}): "
            f"accuracy {best.accuracy:.4f}, macro-F1 {best.macro_f1:.4f}, loss {best.loss:.4f}. "
            f"Always answering the commonest label: accuracy {data['majority']:.4f}.",
            "",
            "| label | test sentences | recall | precision |",
            "|---|---:|---:|---:|",
            *rows,
            "",
            "The model was chosen by macro-F1 on these same sentences, so the figures are a little "
            "too kind to it.",
            "",
            "## Trained",
            "",
            f"On {data['train_rows']} sentences (SHA-256 `{data['train_sha256']}`).",
            "",
            "| setting | value |",
            "|---|---|",
            *settings,
            "",
            "## Reading",
            "",
            f"`{VOCABULARY}` is a SentencePiece model. Words are cut at white space and punctuation and "
            "encoded one by one, then `[CLS]` and `[SEP]` are added: transformers' own tokenizers do "
            "otherwise.",
            "",
        ]
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"
