"""Text -> `Encoding`: the one encoding that training, evaluation and classification share.

This module knows KoBERT's way of cutting text; it knows nothing of tensors, labels or models.

The steps are those of gluonnlp's `BERTSPTokenizer(lower=False)` followed by `BERTSentenceTransform`,
which the KoBERT notebooks use: drop control characters (Unicode's category C except tab and line ends) and
U+FFFD; turn white space into spaces; set every CJK ideograph and every punctuation character
off as a word of its own; split on white space; pass each word through SentencePiece by itself; keep
`max_length - 2` pieces; add [CLS] and [SEP]; pad with [PAD].
"""

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import sentencepiece

from kobert_demo.errors import ModelError

CJK_IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
ASCII_PUNCTUATION = ((33, 47), (58, 64), (91, 96), (123, 126))
CACHED_WORDS = 2**18
SPACE = "▁"  # SentencePiece's mark of a word's beginning; alone it says nothing


def _within(code: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= code <= last for first, last in ranges)


class _CharacterTable(dict[int, str]):
    """A `str.translate` table that works out what becomes of a character when it first meets it."""

    def __missing__(self, code: int) -> str:
        character, category = chr(code), unicodedata.category(chr(code))
        if character in "\t\n\r" or category == "Zs":
            result = " "
        elif code == 0xFFFD or category.startswith("C"):
            result = ""
        elif (
            category.startswith("P")
            or _within(code, ASCII_PUNCTUATION)
            or _within(code, CJK_IDEOGRAPHS)
        ):
            result = f" {character} "
        else:
            result = character
        self[code] = result
        return result


_CHARACTERS = _CharacterTable()


def split_words(text: str) -> list[str]:
    """Return the words that SentencePiece sees one by one: cleaned text, cut at space and punctuation."""
    return text.translate(_CHARACTERS).split()


class Vocabulary:
    """A SentencePiece model with BERT's special pieces.

    Args:
        path: a `.spiece` or `.model` file with the pieces [CLS] and [SEP] and a padding piece.

    Raises:
        ModelError: the file is missing, is no SentencePiece model, or lacks a special piece.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.model = path.read_bytes()
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=self.model)
        except (OSError, RuntimeError):
            raise ModelError(
                "{path} is missing or is not a SentencePiece file: choose a .spiece or .model file.",
                path=path,
            ) from None
        ids = [self._special("[PAD]", self._processor.pad_id())]
        ids += [self._special("[CLS]"), self._special("[SEP]")]
        if min(ids) < 0:
            raise ModelError(
                "{path} has no [CLS], [SEP] and [PAD] pieces: choose the SentencePiece file of a "
                "KoBERT-like model.",
                path=path,
            )
        self.pad_id, self.cls_id, self.sep_id = ids
        self.unk_id: int = self._processor.unk_id()
        self.mask_id = self._special("[MASK]")
        self._ids_of_word = lru_cache(CACHED_WORDS)(self._encode_word)

    def _special(self, piece: str, otherwise: int = -1) -> int:
        """Return the id of a special piece; `otherwise` where the vocabulary has no such piece."""
        found: int = self._processor.piece_to_id(piece)
        return found if self._processor.id_to_piece(found) == piece else otherwise

    def _encode_word(self, word: str) -> tuple[int, ...]:
        return tuple(self._processor.encode(word, out_type=int))

    def __len__(self) -> int:
        size: int = self._processor.get_piece_size()
        return size

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.model).hexdigest()

    def piece(self, piece_id: int) -> str:
        piece: str = self._processor.id_to_piece(piece_id)
        return piece

    def ids(self, text: str) -> list[int]:
        """Return the piece ids of `text`, without special pieces and without a length limit."""
        return [piece_id for word in split_words(text) for piece_id in self._ids_of_word(word)]


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
