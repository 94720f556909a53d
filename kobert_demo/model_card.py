"""A bundle's record and figures -> its model card, a README.md in Markdown."""

from pathlib import Path
from typing import TYPE_CHECKING

from kobert_demo.encoding import Vocabulary
from kobert_demo.sentence_pieces import VOCABULARY, SentencePieces
from kobert_demo.store import Row

if TYPE_CHECKING:
    from kobert_demo.events import Evaluation


def model_card(record: Row, vocabulary: Vocabulary, best: "Evaluation | None") -> str:
    """Return a model card; every figure is the saved model's own.

    Args:
        best: how it did on its test data; None where nobody has measured it.
    """
    labels = record["labels"]
    parts = [
        "# Korean sentence classifier",
        f"{_origin(record)} It gives one of {len(labels)} labels to a Korean sentence: "
        + ", ".join(map(_code, labels))
        + ".",
        *(
            _measured(record, best)
            if best
            else ["Nobody has measured it here: test it before use."]
        ),
        "## Reading",
        _reading(record, vocabulary),
        "## Use",
        _USE.format(max_length=record["config"]["max_length"]),
    ]
    return "\n\n".join(parts) + "\n"


def _origin(record: Row) -> str:
    base, revision = public_name(record["config"]["model"]), record.get("revision")
    model = f"`{base}` (commit `{revision}`)" if revision else f"`{base}`"
    if "imported" in record:
        sha256 = record["imported"]["sha256"]
        return f"Weights imported from a state_dict (SHA-256 `{sha256}`) over the shape of {model}."
    return f"Fine-tuned from {model} with KoBERT Demo."


def _measured(record: Row, best: "Evaluation") -> list[str]:
    data = record["data"]
    rows = [
        f"| {_code(label)} | {support} | {_share(hits, support)} | {_share(hits, predicted)} |"
        for label, hits, support, predicted in zip(
            record["labels"],
            best.confusion.diagonal(),
            best.confusion.sum(1),
            best.confusion.sum(0),
            strict=True,
        )
    ]
    config = {**record["config"], "model": public_name(record["config"]["model"])}
    settings = [f"| {name} | {_code(str(value))} |" for name, value in config.items()]
    return [
        "## Measured",
        f"On {data['test_rows']} test sentences, after step {best.step} (epoch {best.epoch}): "
        f"accuracy {best.accuracy:.4f}, macro-F1 {best.macro_f1:.4f}, loss {best.loss:.4f}. "
        f"Always answering the commonest label: accuracy {data['majority']:.4f}.",
        "\n".join(
            ["| label | test sentences | recall | precision |", "|---|---:|---:|---:|", *rows]
        ),
        "The model was chosen by macro-F1 on these same sentences, so the figures are a little "
        "too kind to it.",
        "## Trained",
        f"On {data['train_rows']} sentences (SHA-256 `{data['train_sha256']}`).",
        "\n".join(["| setting | value |", "|---|---|", *settings]),
    ]


def _reading(record: Row, vocabulary: Vocabulary) -> str:
    cut = (
        f"Texts were cut at {record['config']['max_length']} pieces, `[CLS]` and `[SEP]` included."
    )
    if not isinstance(vocabulary, SentencePieces):
        return f"The tokenizer's files are those of the model it was fine-tuned from. {cut}"
    fast = (
        _TOKENIZER if "tokenizer.json" in vocabulary.files(record["config"]["max_length"]) else ""
    )
    return f"{_SENTENCE_PIECES}{fast} {cut}"


def public_name(model: str) -> str:
    """Return a model's name without the path that it has on this machine."""
    return Path(model).name if Path(model).is_absolute() else model


def _code(text: str) -> str:
    """Return `text` as code that may stand in a table."""
    return "`" + " ".join(text.split()).replace("|", "\\|").replace("`", "'") + "`"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


_SENTENCE_PIECES = (
    f"`{VOCABULARY}` is a SentencePiece model. Words are cut at white space and punctuation and encoded "
    "one by one, as gluonnlp did for KoBERT."
)
_TOKENIZER = (
    " `tokenizer.json` does so in transformers, without SentencePiece: of 692,545 real Korean reviews and "
    "comments, 99.976 % got exactly the same pieces from the vocabulary of `mini`, and the other 169 the "
    "same pieces in another order. Where they differ: repetitions (ㅠㅠㅠㅠㅠ) may stand in another order; "
    "an accent after a full-width, circled or raised character gets lost, and a few rare combining marks "
    "are joined otherwise; a character newer than the Unicode of the Python that trained becomes [UNK] "
    "instead of nothing; a text with a lone surrogate is refused. A typed [MASK] or [CLS] is text like any "
    "other in both."
)
_USE = """\
```python
from transformers import pipeline

classify = pipeline("text-classification", "PATH OF THIS FOLDER")
classify("오늘 정말 즐거웠어요!", truncation=True, max_length={max_length})
```"""
