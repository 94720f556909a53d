"""A model's vocabulary file -> its `Vocabulary`."""

from pathlib import Path

from kobert_demo.encoding import Vocabulary
from kobert_demo.fast_pieces import FastPieces
from kobert_demo.sentence_pieces import SentencePieces


def read_vocabulary(path: Path) -> Vocabulary:
    """Return the vocabulary in a SentencePiece file, a `tokenizer.json` or a `vocab.txt`.

    Raises:
        ModelError: it is none, or lacks a special piece.
    """
    return FastPieces(path) if path.suffix in (".json", ".txt") else SentencePieces(path)
