"""A `tokenizer.json` or a `vocab.txt` -> `FastPieces`: KLUE's, KoELECTRA's and others' way of cutting text.

The rules are the file's own, and the `tokenizers` library follows them, as transformers' `AutoTokenizer`
does. Two things differ: a special piece that a person types is text like any other, and lone surrogates,
which no UTF-8 file can hold, are dropped.
"""

import json
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from kobert_demo.encoding import Vocabulary
from kobert_demo.errors import ModelError
from kobert_demo.tokenizer_json import tokenizer_config

SPECIAL = {  # BERT's name for a piece, RoBERTa's
    "unk_id": ("[UNK]", "<unk>"),
    "pad_id": ("[PAD]", "<pad>"),
    "cls_id": ("[CLS]", "<s>"),
    "sep_id": ("[SEP]", "</s>"),
    "mask_id": ("[MASK]", "<mask>"),
}
TEXTS = 1_000  # cut at once, on all cores
NEEDED = ("unk_id", "pad_id", "cls_id", "sep_id")


class FastPieces(Vocabulary):
    """A fast tokenizer's pieces.

    Args:
        path: a `tokenizer.json`, or a `vocab.txt` of WordPiece with a `tokenizer_config.json` beside it.

    Raises:
        ModelError: the file cannot be read, or lacks a special piece.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        try:
            text = path.read_text("utf-8-sig")
            self._tokenizer = (
                Tokenizer.from_str(text)
                if path.suffix == ".json"
                else _word_pieces(text, path.parent)
            )
        except Exception:  # tokenizers raises nothing more exact
            raise ModelError(
                "{path} cannot be read: use the tokenizer.json or the vocab.txt that belongs to the model.",
                path=path,
            ) from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        self.source = self._tokenizer.to_str().encode()
        for name, pieces in SPECIAL.items():
            found = [self._tokenizer.token_to_id(piece) for piece in pieces]
            setattr(self, name, next((each for each in found if each is not None), -1))
        if min(getattr(self, name) for name in NEEDED) < 0:
            raise ModelError(
                "{path} has no [CLS], [SEP], [PAD] and [UNK] pieces: choose an encoder such as BERT, "
                "RoBERTa or ELECTRA.",
                path=path,
            )

    def __len__(self) -> int:
        size: int = self._tokenizer.get_vocab_size()
        return size

    def piece(self, piece_id: int) -> str:
        return self._tokenizer.id_to_token(piece_id) or ""

    def ids_of(self, texts: Iterable[str]) -> "Iterator[array[int]]":
        texts = iter(texts)
        while some := [text.encode("utf-8", "ignore").decode() for text in islice(texts, TEXTS)]:
            for encoded in self._tokenizer.encode_batch(some, add_special_tokens=False):
                yield array("i", encoded.ids)

    def places(self, text: str) -> list[tuple[int, int]]:
        kept = [place for place, typed in enumerate(text) if not "\ud800" <= typed <= "\udfff"]
        encoded = self._tokenizer.encode(
            "".join(text[place] for place in kept), add_special_tokens=False
        )
        return [
            (kept[start], kept[end - 1] + 1) if start < end else (kept[0],) * 2
            for start, end in encoded.offsets
        ]

    def files(self, max_length: int) -> dict[str, bytes]:
        """Return a `tokenizer.json` that frames and cuts as `encoding.encode` does, and its settings."""
        tokenizer = Tokenizer.from_str(self.source.decode())
        cls, sep = ((self.piece(number), number) for number in (self.cls_id, self.sep_id))
        tokenizer.post_processor = TemplateProcessing(
            single=f"{cls[0]} $A {sep[0]}",
            pair=f"{cls[0]} $A {sep[0]} $B:1 {sep[0]}:1",
            special_tokens=[cls, sep],
        )
        tokenizer.enable_truncation(max_length)
        special = {
            name.replace("_id", "_token"): self.piece(getattr(self, name))
            for name in SPECIAL
            if getattr(self, name) >= 0
        }
        return {
            "tokenizer.json": tokenizer.to_str().encode(),
            "tokenizer_config.json": tokenizer_config(max_length, special),
        }


def _word_pieces(vocabulary: str, directory: Path) -> Tokenizer:
    """Return BERT's WordPiece tokenizer over the lines of a `vocab.txt`."""
    path = directory / "tokenizer_config.json"
    config: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    pieces = {
        line.rstrip("\r"): number for number, line in enumerate(vocabulary.rstrip("\n").split("\n"))
    }
    tokenizer = Tokenizer(WordPiece(pieces, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(
        lowercase=config.get("do_lower_case") is not False,
        handle_chinese_chars=config.get("tokenize_chinese_chars", True),
        strip_accents=config.get("strip_accents"),
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer
