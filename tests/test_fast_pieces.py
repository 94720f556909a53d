"""Fast tokenizers: their pieces are those of transformers, and what a person types is text."""

import json
from pathlib import Path

import pytest
from transformers import BertTokenizerFast

from kobert_demo.encoding import encode
from kobert_demo.errors import ModelError
from kobert_demo.fast_pieces import FastPieces
from kobert_demo.sentence_pieces import SentencePieces
from kobert_demo.vocabularies import read_vocabulary
from tests.families import klue_bert, kobert, word_pieces

TEXTS = [
    "밤늦게 골목길을 걷는데",
    "Ａ漢字!! ㅋㅋ 🎉",
    "",
    "\x00\u200b \ufffd",
    "가" * 10_000,
    "É é",
]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    klue_bert(tmp_path)
    return tmp_path


@pytest.mark.parametrize("file", ["tokenizer.json", "vocab.txt"])
def test_both_files_give_the_pieces_of_transformers(directory: Path, file: str) -> None:
    pieces = read_vocabulary(directory / file)
    expected = BertTokenizerFast(
        vocab=str(directory / "vocab.txt"), do_lower_case=False, strip_accents=False
    )
    assert len(pieces) == len(expected)
    for text in TEXTS:
        assert pieces.ids(text) == expected(text, add_special_tokens=False).input_ids, text
    assert (pieces.unk_id, pieces.pad_id, pieces.cls_id, pieces.sep_id) == (1, 0, 2, 3)


def test_the_settings_beside_a_list_of_pieces_count(directory: Path) -> None:
    (directory / "vocab.txt").write_text("\n".join([*["[PAD]", "[UNK]", "[CLS]", "[SEP]"], "ok"]))
    assert FastPieces(directory / "vocab.txt").ids("OK ok") == [1, 4]
    (directory / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    assert FastPieces(directory / "vocab.txt").ids("OK ok") == [4, 4]


def test_a_typed_special_piece_is_text(directory: Path) -> None:
    pieces = read_vocabulary(directory / "tokenizer.json")
    assert pieces.mask_id not in pieces.ids("[MASK]")
    assert pieces.sep_id not in pieces.ids("나는 [SEP] 너는")


def test_a_lone_surrogate_is_dropped(directory: Path) -> None:
    pieces = read_vocabulary(directory / "vocab.txt")
    assert pieces.ids("밤늦게\ud800") == pieces.ids("밤늦게")


def test_sentences_are_framed_padded_and_cut_like_any_other(directory: Path) -> None:
    pieces = read_vocabulary(directory / "vocab.txt")
    encoding = encode("밤늦게 골목길을 걷는데 누가 계속", pieces, max_length=6)
    assert (encoding.input_ids[0], encoding.input_ids[-1]) == (2, 3)
    assert encoding.valid_length == 6
    assert encoding.cut > 0
    padded = encode("밤", pieces, max_length=6).padded()
    assert padded["tokens"][-1] == "[PAD]"


def test_names_of_roberta_are_known(directory: Path) -> None:
    lines = word_pieces().splitlines()
    renamed = ["<pad>", "[UNK]", "<s>", "</s>", "<mask>", *lines[5:]]
    (directory / "vocab.txt").write_text("\n".join(renamed), encoding="utf-8")
    pieces = FastPieces(directory / "vocab.txt")
    assert pieces.special_ids == (1, 0, 2, 3, 4)


@pytest.mark.parametrize("content", ["", "{", "가\n나\n"])
@pytest.mark.parametrize("file", ["tokenizer.json", "vocab.txt"])
def test_what_is_no_tokenizer_is_refused(directory: Path, file: str, content: str) -> None:
    (directory / file).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        FastPieces(directory / file)
    assert file in str(caught.value)


def test_a_sentencepiece_file_goes_before_a_list_of_pieces(tmp_path: Path) -> None:
    kobert(tmp_path)
    assert isinstance(read_vocabulary(tmp_path / "spiece.model"), SentencePieces)
