"""Encoded data on disk: encoded once, read back exactly, and never mistaken for other data."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobert_demo.dataset import split
from kobert_demo.encoded import Encoded, encode_whole
from kobert_demo.encoded_store import KEPT, encode_dataset
from kobert_demo.vocabularies import read_vocabulary
from tests.families import koelectra
from tests.models import vocabulary

ROWS = "행복해요\t행복\n정말 좋아\t행복\n화가 나\t분노\n짜증\t분노\n"


def refuse(texts: Any) -> Any:
    pytest.fail("encoded again")


def same(one: Encoded, other: Encoded) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("ids", "offsets", "labels")
    )


def test_what_was_encoded_once_is_read_back(dataset: Any, workspace: Path) -> None:
    data = dataset(ROWS)
    first = encode_dataset(data, vocabulary(), workspace)
    assert same(first, encode_whole(data.texts, data.label_ids, vocabulary()))
    assert same(first, encode_dataset(data, vocabulary(), workspace, refuse))


def test_other_texts_and_vocabularies_are_encoded_by_themselves(
    dataset: Any, workspace: Path, tmp_path: Path
) -> None:
    data = dataset(ROWS)
    encode_dataset(data, vocabulary(), workspace)
    assert len(encode_dataset(dataset(ROWS * 2), vocabulary(), workspace)) == 8
    koelectra(tmp_path)
    pieces = read_vocabulary(tmp_path / "vocab.txt")
    cased = encode_dataset(data, pieces, workspace)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"strip_accents": True}))
    other = read_vocabulary(tmp_path / "vocab.txt")
    assert other.sha256 != pieces.sha256
    assert not same(encode_dataset(data, other, workspace), cased)


@pytest.mark.parametrize("damage", [b"", b"PK", b"PK\x03\x04 nothing"])
def test_a_damaged_file_is_encoded_anew(dataset: Any, workspace: Path, damage: bytes) -> None:
    data = dataset(ROWS)
    first = encode_dataset(data, vocabulary(), workspace)
    (kept,) = (workspace / "encodings").iterdir()
    kept.write_bytes(damage)
    assert same(first, encode_dataset(data, vocabulary(), workspace))
    assert same(first, encode_dataset(data, vocabulary(), workspace, refuse))


def test_the_oldest_files_make_room(dataset: Any, workspace: Path) -> None:
    for copies in range(1, KEPT + 4):
        encode_dataset(dataset(ROWS * copies), vocabulary(), workspace)
    assert len(list((workspace / "encodings").iterdir())) == KEPT
    encode_dataset(dataset(ROWS * (KEPT + 3)), vocabulary(), workspace, refuse)


def test_parts_of_a_dataset_are_taken_from_its_encoding(dataset: Any, workspace: Path) -> None:
    data = dataset(
        "".join(f"문장 {row} 입니다\t{'행복' if row % 2 else '분노'}\n" for row in range(40))
    )
    encode_dataset(data, vocabulary(), workspace)
    for half in split(data, 0.3, 1):
        taken = encode_dataset(half, vocabulary(), workspace, refuse)
        assert same(taken, encode_whole(half.texts, half.label_ids, vocabulary()))


def test_leaving_in_the_middle_leaves_nothing(dataset: Any, workspace: Path) -> None:
    def stop(texts: Any) -> Any:
        yield next(iter(texts))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_dataset(dataset(ROWS), vocabulary(), workspace, stop)
    assert not (workspace / "encodings").exists()
