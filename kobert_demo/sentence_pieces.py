"""A SentencePiece file -> `SentencePieces`: KoBERT's way of cutting text.

The steps are those of gluonnlp's `BERTSPTokenizer(lower=False)`, which the KoBERT notebooks use: drop
control characters (Unicode's category C except tab and line ends) and U+FFFD; turn white space into spaces;
set every CJK ideograph and every punctuation character off as a word of its own; split on white space;
pass each word through SentencePiece by itself.
"""

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import sentencepiece

from kobert_demo.encoding import Vocabulary
from kobert_demo.errors import ModelError
from kobert_demo.tokenizer_json import tokenizer_files

CJK_IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)
ASCII_PUNCTUATION = ((33, 47), (58, 64), (91, 96), (123, 126))
KNOWN_WORDS = 2**20  # about 200 MB
TEXTS = 4_000  # whose new words SentencePiece gets at once: a call costs more than a word
VOCABULARY = "vocabulary.spiece"  # its name in a bundle


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


class SentencePieces(Vocabulary):
    """A SentencePiece model with BERT's special pieces.

    Args:
        path: a `.spiece` or `.model` file with the pieces [CLS] and [SEP] and a padding piece.

    Raises:
        ModelError: the file is missing, is no SentencePiece model, or lacks a special piece.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        try:
            self.source = path.read_bytes() or b"\0"  # an empty file would load
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=self.source)
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
        self._known: dict[
            str, bytes
        ] = {}  # words met before, and their ids as C integers: less to keep

    def _special(self, piece: str, otherwise: int = -1) -> int:
        """Return the id of a special piece; `otherwise` where the vocabulary has no such piece."""
        found: int = self._processor.piece_to_id(piece)
        return found if self._processor.id_to_piece(found) == piece else otherwise

    def __len__(self) -> int:
        size: int = self._processor.get_piece_size()
        return size

    def piece(self, piece_id: int) -> str:
        piece: str = self._processor.id_to_piece(piece_id)
        return piece

    def ids_of(self, texts: Iterable[str]) -> "Iterator[array[int]]":
        texts, known = iter(texts), self._known
        while some := [split_words(text) for text in islice(texts, TEXTS)]:
            if len(known) > KNOWN_WORDS:
                known.clear()
            if new := list(set(chain.from_iterable(some)).difference(known)):
                ids = self._processor.encode(new, out_type=int, num_threads=1)
                known.update(zip(new, (array("i", each).tobytes() for each in ids), strict=True))
            for words in some:
                yield array("i", b"".join(map(known.__getitem__, words)))

    def places(self, text: str) -> list[tuple[int, int]]:
        """Return where each piece stands, as SentencePiece tells it of each word."""
        origins = [place for place, typed in enumerate(text) for _ in typed.translate(_CHARACTERS)]
        words = [
            (found[0], origins[found.start() : found.end()])
            for found in re.finditer(r"\S+", text.translate(_CHARACTERS))
        ]
        told = self._processor.encode([word for word, _ in words], return_type="offset_mapping")
        return [
            (characters[start], characters[end - 1] + 1) if start < end else (characters[0],) * 2
            for (_, characters), each in zip(words, told, strict=True)
            for start, end in each["offsets"]
        ]

    def sentence_ids(self, sentence: str) -> list[int]:
        """Return the piece ids of a whole sentence as SentencePiece alone cuts it, words uncut."""
        ids: list[int] = self._processor.encode(sentence, out_type=int)
        return ids

    def files(self, max_length: int) -> dict[str, bytes]:
        """Return the SentencePiece file, and a fast tokenizer that does as it does for other programs."""
        return {VOCABULARY: self.source, **tokenizer_files(self.source, max_length)}
