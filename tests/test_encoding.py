"""The one encoding: KoBERT's cutting rules, on a vocabulary whose pieces are known."""

from pathlib import Path

import pytest
import sentencepiece

from kobert_demo.encoding import encode
from kobert_demo.errors import ModelError
from kobert_demo.model_files import find_model
from kobert_demo.sentence_pieces import SentencePieces, split_words


@pytest.fixture(scope="module")
def mini() -> SentencePieces:
    return SentencePieces(find_model("mini").vocabulary)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("안녕하세요.", ["안녕하세요", "."]),
        ("a-b_c", ["a", "-", "b", "_", "c"]),
        ("와!!", ["와", "!", "!"]),
        ("「따옴표」", ["「", "따옴표", "」"]),
        ("$100+5=~", ["$", "100", "+", "5", "=", "~"]),
        ("漢字와 한글", ["漢", "字", "와", "한글"]),
        ("줄\n바꿈\t탭\u3000전각\u00a0공백", ["줄", "바꿈", "탭", "전각", "공백"]),
        ("널\x00과\ufffd제어\x07\u200b\u200d문자", ["널과제어문자"]),
        ("외톨이\ud800대리", ["외톨이대리"]),
        ("사\ue000용자\U0010ffff영역", ["사용자영역"]),
        ("Hello KoBERT", ["Hello", "KoBERT"]),
        ("🎉축하", ["🎉축하"]),
        ("[MASK]", ["[", "MASK", "]"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_words_are_cut_as_kobert_cuts_them(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_special_ids_are_those_of_kobert(mini: SentencePieces) -> None:
    assert (mini.unk_id, mini.pad_id, mini.cls_id, mini.sep_id, mini.mask_id) == (0, 1, 2, 3, 4)
    assert len(mini) == 8002


def test_each_word_is_encoded_by_itself(mini: SentencePieces) -> None:
    assert mini.ids("좋아요. 정말!") == [
        *mini.ids("좋아요"),
        *mini.ids("."),
        *mini.ids("정말"),
        *mini.ids("!"),
    ]
    assert mini.piece(mini.ids(".")[0]).startswith("▁")


def test_case_is_kept(mini: SentencePieces) -> None:
    assert mini.ids("OK") != mini.ids("ok")


def test_jamo_and_full_width_and_decomposed_hangul_are_known(mini: SentencePieces) -> None:
    assert mini.ids("\u1112\u1161\u11ab\u1100\u1173\u11af") == mini.ids("한글")
    for text in ("ㅋㅋㅋ", "ＡＢＣ", "ㅠㅠ"):
        assert mini.unk_id not in mini.ids(text)


def test_short_text_is_padded_with_a_mask_of_zeros(mini: SentencePieces) -> None:
    encoding = encode("안녕하세요.", mini, max_length=12)
    padded = encoding.padded()
    length = encoding.valid_length
    assert padded["input_ids"] == [2, *mini.ids("안녕하세요."), 3, *[1] * (12 - length)]
    assert padded["attention_mask"] == [1] * length + [0] * (12 - length)
    assert padded["token_type_ids"] == [0] * 12
    assert padded["tokens"][:1] + padded["tokens"][length - 1 :] == [
        "[CLS]",
        "[SEP]",
        *["[PAD]"] * (12 - length),
    ]
    assert padded["valid_length"] == length
    assert encoding.cut == 0


def test_long_text_is_cut_to_max_length_with_sep_at_its_end(mini: SentencePieces) -> None:
    text = "정말 재미있는 영화였어요. " * 20
    encoding = encode(text, mini, max_length=16)
    assert encoding.valid_length == 16
    assert encoding.input_ids == (2, *mini.ids(text)[:14], 3)
    assert encoding.cut == len(mini.ids(text)) - 14


def test_a_text_of_nothing_is_cls_and_sep(mini: SentencePieces) -> None:
    encoding = encode("\x00 \u200b", mini, max_length=8)
    assert encoding.input_ids == (2, 3)
    assert not encoding.readable


def test_a_text_is_readable_if_one_of_its_pieces_is_known(mini: SentencePieces) -> None:
    unknown = encode("𓀀", mini, max_length=8)
    assert mini.unk_id in unknown.input_ids
    assert not unknown.readable
    assert encode("𓀀 좋아", mini, max_length=8).readable


def test_a_word_of_ten_thousand_characters_is_encoded_like_any_other(mini: SentencePieces) -> None:
    assert encode("가" * 10_000, mini, max_length=64).valid_length == 64


def test_a_file_that_is_no_sentencepiece_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.spiece").write_bytes(b"no model")
    for path in (tmp_path / "x.spiece", tmp_path / "missing.spiece"):
        with pytest.raises(ModelError, match=r"\.spiece or \.model"):
            SentencePieces(path)


def test_a_vocabulary_without_bert_pieces_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "plain.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["가나다라 마바사아 자차카타 파하 abc"] * 20),
            model_writer=file,
            vocab_size=22,
            minloglevel=2,
        )
    with pytest.raises(ModelError, match=r"\[CLS\], \[SEP\] and \[PAD\]"):
        SentencePieces(tmp_path / "plain.model")
