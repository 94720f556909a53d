"""Text -> `Encoding`: the one encoding that training, evaluation and classification share.

This module knows how a sentence is framed: `max_length - 2` pieces between [CLS] and [SEP], then [PAD]
(gluonnlp's `BERTSentenceTransform`, which the KoBERT notebooks use). How text is cut into pieces is the
vocabulary's business. It knows nothing of tensors, labels or models.
"""

import hashlib
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SPACE = "▁"  # SentencePiece's mark of a word's beginning; alone it says nothing


class Vocabulary(ABC):
    """Pieces and their ids, and a way to cut text into them.

    Attributes:
        path: the file that it was read from.
        source: all that pieces and ids depend on: the file, and the settings beside it.
        unk_id, pad_id, cls_id, sep_id, mask_id: ids of BERT's special pieces, whatever they are called;
            -1 for an [UNK] or a [MASK] that the vocabulary lacks.
    """

    path: Path
    source: bytes
    unk_id: int
    pad_id: int
    cls_id: int
    sep_id: int
    mask_id: int

    @property
    def special_ids(self) -> tuple[int, int, int, int, int]:
        """The ids of [UNK], [PAD], [CLS], [SEP] and [MASK]."""
        return self.unk_id, self.pad_id, self.cls_id, self.sep_id, self.mask_id

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of pieces."""

    @abstractmethod
    def piece(self, piece_id: int) -> str:
        """Return the piece of an id."""

    @abstractmethod
    def ids_of(self, texts: Iterable[str]) -> "Iterator[array[int]]":
        """Yield the piece ids of each text, as C integers, without special pieces and without a limit."""

    def ids(self, text: str) -> list[int]:
        """Return the piece ids of one text, as `ids_of` does."""
        return next(self.ids_of([text])).tolist()

    @abstractmethod
    def places(self, text: str) -> list[tuple[int, int]]:
        """Return start and end, in characters of `text`, of each piece of `ids(text)`, in their order.

        A piece without a character of its own has an empty place: a bare `▁`, or all but one of the pieces
        that came of one character.
        """

    @abstractmethod
    def files(self, max_length: int) -> dict[str, bytes]:
        """Return what a model's directory must hold of it: file name to content.

        Args:
            max_length: the longest text, in pieces, that the model was trained with.
        """

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.source).hexdigest()


@dataclass(frozen=True)
class Encoding:
    """One text as the model reads it, before padding.

    Attributes:
        input_ids: [CLS], at most `max_length - 2` pieces, [SEP]; its length is `valid_length`.
        tokens: the piece of each id.
        cut: how many pieces of the text did not fit.
        max_length: the length that `padded` fills up to.
        pad_id, pad_token: what it fills with.
        readable: whether any piece of the text says something: neither [UNK] nor a bare `▁`.
    """

    input_ids: tuple[int, ...]
    tokens: tuple[str, ...]
    cut: int
    max_length: int
    pad_id: int
    pad_token: str
    readable: bool

    @property
    def valid_length(self) -> int:
        return len(self.input_ids)

    def padded(self) -> dict[str, list[int] | list[str] | int]:
        """Return the arrays as the model would get them padded, each `max_length` long.

        `token_type_ids` is all 0: there is one segment.
        """
        padding = self.max_length - self.valid_length
        return {
            "tokens": [*self.tokens, *[self.pad_token] * padding],
            "input_ids": [*self.input_ids, *[self.pad_id] * padding],
            "attention_mask": [1] * self.valid_length + [0] * padding,
            "token_type_ids": [0] * self.max_length,
            "valid_length": self.valid_length,
        }


def encode(text: str, vocabulary: Vocabulary, max_length: int) -> Encoding:
    """Return the `Encoding` of `text`; `max_length` counts [CLS] and [SEP]."""
    pieces = vocabulary.ids(text)
    kept = pieces[: max_length - 2]
    input_ids = (vocabulary.cls_id, *kept, vocabulary.sep_id)
    return Encoding(
        input_ids=input_ids,
        tokens=tuple(vocabulary.piece(piece_id) for piece_id in input_ids),
        cut=len(pieces) - len(kept),
        max_length=max_length,
        pad_id=vocabulary.pad_id,
        pad_token=vocabulary.piece(vocabulary.pad_id),
        readable=any(
            piece_id != vocabulary.unk_id and vocabulary.piece(piece_id) != SPACE
            for piece_id in kept
        ),
    )
