"""The text that `mini` is pretrained on, what is kept out of it, and the vocabulary made from it.

This module knows the files and the rules for keeping sentences apart; it knows nothing of tensors.

Kept out of everything here, so that the model card's figures come from unseen text:

- a fifth of `nsmc-ratings-20k.tsv`: the documents whose `fingerprint` is divisible by five;
- a fifth of each label of `emotions7-comments.tsv`: the sentences with the smallest fingerprints;
- all of `emotions7-reddit-dev.tsv`.

A sentence that says the same as one of these, but for spacing, is dropped wherever it appears.
"""

import csv
import hashlib
import io
import lzma
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import sentencepiece

from kobert_demo.errors import DataError
from kobert_demo.sentence_pieces import split_words

STARS = 10
EMOTIONS = ("공포", "놀람", "분노", "슬픔", "중립", "행복", "혐오")
FILES = (
    "nsmc-reviews.tsv.xz",
    "nsmc-ratings-20k.tsv",
    "emotions7-comments.tsv",
    "emotions7-reddit-train.tsv",
    "emotions7-reddit-dev.tsv",
)
HELD_OUT_PART = 5
VOCABULARY_SIZE = 8002


@dataclass(frozen=True)
class Sentence:
    """One sentence to learn from.

    Attributes:
        label: 0-9 for 1-10 stars, 10-16 for the emotions in their order, -1 where unknown.
    """

    text: str
    label: int = -1

    @property
    def times_read(self) -> int:
        """How often a pass reads it: more often if it is like those that are to be classified."""
        if 0 <= self.label < STARS:
            return 1
        return 4 if self.label < 0 else 2


def fingerprint(text: str) -> int:
    """Return a number that depends on nothing but what `text` says, spacing left aside."""
    said = "".join(split_words(text)).encode()
    return int.from_bytes(hashlib.sha256(said).digest()[:8], "big")


def held_out_ratings(data: Path) -> list[tuple[str, str]]:
    """Return the (document, label) pairs of the ratings file that are kept apart, label 0 or 1."""
    rows = read_rows(data / "nsmc-ratings-20k.tsv")
    return [
        (document, label)
        for _, document, label in rows
        if fingerprint(document) % HELD_OUT_PART == 0
    ]


def split_comments(data: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the comments to train on and the held-out fifth of each label: (sentence, label)."""
    by_label: dict[str, list[str]] = {}
    for sentence, label in read_rows(data / "emotions7-comments.tsv"):
        by_label.setdefault(label, []).append(sentence)
    train, held_out = [], []
    for label, sentences in sorted(by_label.items()):
        ordered = sorted(sentences, key=fingerprint)
        cut = len(ordered) // HELD_OUT_PART
        held_out += [(sentence, label) for sentence in ordered[:cut]]
        train += [(sentence, label) for sentence in ordered[cut:]]
    return train, held_out


def held_out_fingerprints(data: Path) -> set[int]:
    """Return the fingerprints of everything that is kept apart."""
    dev = read_rows(data / "emotions7-reddit-dev.tsv")
    apart = [*held_out_ratings(data), *split_comments(data)[1], *dev]
    return {fingerprint(row[0]) for row in apart}


def check_files(data: Path) -> None:
    """Raise `DataError` with the names of all files that are missing."""
    missing = [name for name in FILES if not (data / name).is_file()]
    if missing:
        raise DataError(
            "These files are not in {folder}: {files}. Put them there, or name their folder with --data.",
            folder=data,
            files=", ".join(missing),
        )


def read_corpus(data: Path) -> list[Sentence]:
    """Return every sentence to learn from; nothing that is held out is among them.

    Raises:
        DataError: files are missing; all of them are named.
    """
    check_files(data)
    reviews = [
        Sentence(text, int(stars) - 1)
        for stars, text in (line.split("\t", 1) for line in _lines(data / "nsmc-reviews.tsv.xz"))
    ]
    reddit = [
        Sentence(text, STARS + EMOTIONS.index(label))
        for text, label in read_rows(data / "emotions7-reddit-train.tsv")
    ]
    comments = [Sentence(text) for text, _ in split_comments(data)[0]]
    held_out = held_out_fingerprints(data)
    return [
        sentence
        for sentence in [*reviews, *reddit, *comments]
        if fingerprint(sentence.text) not in held_out
    ]


def train_vocabulary(sentences: Iterable[str]) -> bytes:
    """Return a SentencePiece unigram model with BERT's special pieces as ids 0-4."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(" ".join(split_words(sentence)) for sentence in sentences),
        model_writer=model,
        model_type="unigram",
        vocab_size=VOCABULARY_SIZE,
        character_coverage=0.9998,
        normalization_rule_name="nmt_nfkc",
        unk_id=0,
        pad_id=1,
        bos_id=-1,
        eos_id=-1,
        unk_piece="[UNK]",
        pad_piece="[PAD]",
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        minloglevel=1,
    )
    return model.getvalue()


def _lines(path: Path) -> Iterable[str]:
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.rstrip("\n")


def read_rows(path: Path) -> list[list[str]]:
    """Return the rows below the header of a tab-separated file without quoting."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
