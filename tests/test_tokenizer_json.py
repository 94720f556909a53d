"""The fast tokenizer that other programs use: it encodes as the project itself does."""

import io
import json
import lzma
import sys
import unicodedata
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import sentencepiece
import torch
from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast, pipeline

from kobert_demo.encoding import encode
from kobert_demo.sentence_pieces import SentencePieces
from kobert_demo.tokenizer_json import fast_tokenizer, tokenizer_files
from tests.conftest import PROJECT
from tests.models import tiny_model, vocabulary

DATA = PROJECT.parent / "shared" / "data"
LONG = 1_000_000
TYPED = "[MASK] [CLS]안녕[SEP] [PAD][UNK]"
ODD = [
    "",
    " \n ",
    "\x00 \u200b",
    "널\x00과\ufffd제어\x07\u200b\u200d문자",
    "\ufeff가",
    "\ue000가\ue001나\ue000",
    "안녕하세요. 정말!!",
    "a-b_c $100+5=~",
    "「따옴표」",
    "...",
    ".가",
    "줄\n바꿈\t탭\u3000전각\u00a0공백\u2028끝",
    "漢字와 한글",
    "𠀀漢",
    "ＡＢＣ１２３！",
    "①②③…㈜㏂℃™½ﷺ",
    "ㅋㅋㅋ ㅠㅠ",
    "ㅎㅏㄴㄱㅡㄹ",
    "화ㄳ 넬니ㄵ",
    "하\u11ab",
    "a¨ ¨나",
    "▁가▁▁나▁ ▁",
    "‗‗ ￣_￣",
    "가.\u0338나",
    "e\u0301",
    unicodedata.normalize("NFD", "한글 닭"),
    "👨‍👩‍👧 ❤️ 🇰🇷 🎉축하",
    "𓀀𓀀 가𓀀",
    "\u202e가\u202c",
    "가" * 10_000,
    "ㅋ" * 10_000,
    "가.나 " * 5_000,
    TYPED,
]


@pytest.fixture(scope="module")
def mini() -> SentencePieces:
    return vocabulary()


@pytest.fixture(scope="module")
def fast(mini: SentencePieces) -> Tokenizer:
    return fast_tokenizer(mini.source, LONG)


@pytest.fixture
def directory(tmp_path: Path, mini: SentencePieces) -> Path:
    """A classifier as a person may hand it on, cut at 16 pieces."""
    tiny_model().save_pretrained(tmp_path)
    (tmp_path / "vocabulary.spiece").write_bytes(mini.source)
    for name, content in tokenizer_files(mini.source, 16).items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def trained(**options: object) -> bytes:
    """Return a little SentencePiece file."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["가나다라 마바사아 자차카타 파하 abc"] * 20),
        model_writer=model,
        vocab_size=24,
        minloglevel=2,
        **options,
    )
    return model.getvalue()


@pytest.mark.parametrize("text", ODD)
def test_odd_text_is_encoded_alike(text: str, mini: SentencePieces, fast: Tokenizer) -> None:
    assert fast.encode(text).ids == list(encode(text, mini, LONG).input_ids)


def test_every_character_is_encoded_alike(mini: SentencePieces, fast: Tokenizer) -> None:
    known = unicodedata.ucd_3_2_0  # what every Python and every tokenizers agree about
    texts = [
        f"가{chr(code)}나"
        for code in range(0x30000)
        if known.category(chr(code)) not in ("Cn", "Cs")
    ]
    found = fast.encode_batch_fast(texts, add_special_tokens=False)
    assert [text for text, one in zip(texts, found, strict=True) if one.ids != mini.ids(text)] == []


@pytest.mark.skipif(not DATA.is_dir(), reason="the real reviews are not beside the project")
def test_real_sentences_are_encoded_alike(mini: SentencePieces, fast: Tokenizer) -> None:
    with (DATA / "emotions7-comments.tsv").open(encoding="utf-8") as comments:
        texts = [line.split("\t")[0] for line in islice(comments, 3000)]
    with lzma.open(DATA / "nsmc-reviews.tsv.xz", "rt", encoding="utf-8") as reviews:
        texts += [line.rstrip("\n").split("\t")[1] for line in islice(reviews, 3000)]
    found = fast.encode_batch_fast(texts, add_special_tokens=False)
    different = [text for text, one in zip(texts, found, strict=True) if one.ids != mini.ids(text)]
    assert len(different) <= 6, different
    for text in different:
        assert sorted(fast.encode(text, add_special_tokens=False).ids) == sorted(mini.ids(text))


def test_long_text_is_cut_alike(mini: SentencePieces) -> None:
    text = "정말 재미있는 영화였어요. " * 20
    assert fast_tokenizer(mini.source, 16).encode(text).ids == list(
        encode(text, mini, 16).input_ids
    )


def test_a_pair_has_two_segments(mini: SentencePieces, fast: Tokenizer) -> None:
    one = fast.encode("좋아", "싫어")
    assert one.ids == [2, *mini.ids("좋아"), 3, *mini.ids("싫어"), 3]
    assert one.type_ids == [0] * (2 + len(mini.ids("좋아"))) + [1] * (1 + len(mini.ids("싫어")))


def test_repetitions_may_have_the_same_pieces_in_another_order(
    mini: SentencePieces, fast: Tokenizer
) -> None:
    ours, theirs = (
        mini.ids("영화오굿굿굿"),
        fast.encode("영화오굿굿굿", add_special_tokens=False).ids,
    )
    assert [mini.piece(piece) for piece in ours] == ["▁영화", "오", "굿굿", "굿"]
    assert [mini.piece(piece) for piece in theirs] == ["▁영화", "오", "굿", "굿굿"]


@pytest.mark.parametrize(
    ("text", "as_if"), [("①\u0301", "①"), ("Ａ\u0301", "Ａ"), ("A\u0344", "A\u0308\u0301")]
)
def test_a_combining_mark_may_get_lost_or_be_joined_otherwise(
    text: str, as_if: str, mini: SentencePieces, fast: Tokenizer
) -> None:
    ids = fast.encode(text, add_special_tokens=False).ids
    assert ids == mini.ids(as_if) != mini.ids(text)


def test_a_character_that_python_does_not_know_is_dropped_there_only(
    mini: SentencePieces, fast: Tokenizer
) -> None:
    of_unicode_15 = "가\U0001fae8"
    unknown = unicodedata.category(of_unicode_15[1]) == "Cn"
    ids = fast.encode(of_unicode_15, add_special_tokens=False).ids
    assert ids == [*mini.ids("가"), mini.unk_id]
    assert (ids != mini.ids(of_unicode_15)) == unknown


def test_a_lone_surrogate_is_refused(fast: Tokenizer) -> None:
    with pytest.raises(TypeError, match="str"):
        fast.encode("가\ud800나")


def test_transformers_takes_the_files_as_they_are(
    directory: Path, mini: SentencePieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentencepiece", None)  # importing it would fail
    tokenizer = AutoTokenizer.from_pretrained(directory)
    assert type(tokenizer) is PreTrainedTokenizerFast
    special = (tokenizer.unk_token, tokenizer.pad_token, tokenizer.cls_token, tokenizer.sep_token)
    assert (*special, tokenizer.mask_token) == ("[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]")
    assert tokenizer.all_special_ids == [0, 3, 1, 2, 4]
    assert (tokenizer.model_max_length, len(tokenizer)) == (16, 8002)
    for text in ODD:
        assert tokenizer(text, verbose=False).input_ids == list(encode(text, mini, LONG).input_ids)
    padded = tokenizer(["안녕하세요. 정말!!", "가나 " * 50], padding=True, truncation=True)
    ours = [encode(text, mini, 16).padded() for text in ("안녕하세요. 정말!!", "가나 " * 50)]
    for name in ("input_ids", "attention_mask", "token_type_ids"):
        assert padded[name] == [one[name] for one in ours]
    ids = tokenizer("안녕하세요. 정말!").input_ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == "안녕하세요 . 정말 !"


def test_a_pipeline_says_what_the_model_says(
    directory: Path, mini: SentencePieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    classify: Callable[..., list[list[dict[str, float]]]] = pipeline(
        "text-classification", str(directory)
    )
    texts = ["정말 좋아요!", TYPED, "음… ①번 영화ㄳ", "가나다 " * 600]
    said = classify(texts, top_k=None, function_to_apply="none", truncation=True)
    model = tiny_model().eval()
    for text, scores in zip(texts, said, strict=True):
        with torch.inference_mode():
            logits = model(torch.tensor([encode(text, mini, 16).input_ids])).logits[0].tolist()
        assert sorted(score["score"] for score in scores) == pytest.approx(sorted(logits), abs=1e-6)


@pytest.mark.parametrize("rule", ["nmt_nfkc", "nmt_nfkc_cf", "identity"])
def test_other_vocabularies_are_taken_too(rule: str, tmp_path: Path) -> None:
    path = tmp_path / "other.model"
    path.write_bytes(
        trained(user_defined_symbols="[CLS],[SEP]", pad_id=3, normalization_rule_name=rule)
    )
    other = SentencePieces(path)
    fast = fast_tokenizer(other.source, LONG)
    for text in ("가나다라 마바사 ＡＢＣ abc", "[CLS] 가나 ①", "다라마라다"):
        assert fast.encode(text).ids == list(encode(text, other, LONG).input_ids)
    config = json.loads(tokenizer_files(other.source, 16)["tokenizer_config.json"])
    assert (config["pad_token"], config["unk_token"]) == ("<pad>", "<unk>")
    assert "mask_token" not in config


def test_another_kind_of_model_has_no_fast_tokenizer() -> None:
    assert tokenizer_files(trained(control_symbols="[CLS],[SEP]", model_type="bpe"), 16) == {}


def test_the_files_of_a_vocabulary_are_made_once(mini: SentencePieces) -> None:
    """Reading a vocabulary takes longer than writing a small model, and a run keeps many bundles."""
    assert tokenizer_files(mini.source, 16) is tokenizer_files(mini.source, 16)
