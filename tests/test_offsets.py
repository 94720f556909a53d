"""What is shown of a sentence is what was typed, whatever cutting it did to the characters."""

import csv
import unicodedata
from pathlib import Path

import pytest

from kobert_demo.encoding import Vocabulary, encode
from kobert_demo.fast_pieces import FastPieces
from kobert_demo.offsets import Reading, read
from tests.conftest import COMMENTS
from tests.families import word_pieces
from tests.models import vocabulary

HOSTILE = [
    "",
    " \n\t ",
    "ㅋㅋㅋ ＡＢＣ",
    unicodedata.normalize("NFD", "안녕하세요 반가워요"),
    "㈜한글 ½ ﬁne ﷺﷺ",
    "가\u200b나\u0000다\x0b라 \ufeff마",
    "\u202eabc\u202c 오늘 \u200f안녕",
    "<b>굵게</b> <script>alert(1)</script> [링크](http://a.b) :smile:",
    "😀👨‍👩‍👧 🇰🇷",
    "漢字をよむ καλημέρα e\u0301t",
    "[MASK] [UNK] [CLS]",
    "쀍 쀍쀍",
    "가\u3000나\xa0다\u2028라",
    "외톨이 \ud800 서로게이트",
    "\u0301\u0301 \u3164",
]


@pytest.fixture(scope="module", params=["SentencePiece", "WordPiece"])
def pieces(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    if request.param == "SentencePiece":
        return vocabulary()
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    path.write_text(word_pieces(), encoding="utf-8")
    return FastPieces(path)


def put_together(reading: Reading) -> str:
    """Return all spans and what lies between them, after checking that each is what it says."""
    parts, after = [], 0
    for span in reading.spans:
        assert after <= span.start < span.end
        gap = reading.text[after : span.start]
        dropped = [
            c for c in gap if not c.isspace()
        ]  # control characters; accents where all is lowered
        assert all(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Mn") for c in dropped), ascii(gap)
        parts += [gap, reading.text[span.start : span.end]]
        after = span.end
    return "".join([*parts, reading.text[after:]])


def check(text: str, pieces: Vocabulary) -> None:
    ids, reading = pieces.ids(text), read(text, pieces, 32)
    assert put_together(reading) == text
    assert len(pieces.places(text)) == len(ids)
    if reading.spans:
        positions = [piece for span in reading.spans for piece in span.pieces]
        assert positions == list(range(1, len(ids) + 1))
    assert reading.kept == encode(text, pieces, 32).valid_length - 2
    for number, (start, end) in enumerate(reading.words):
        inside = [span for span in reading.spans if span.word == number]
        assert (inside[0].start, inside[-1].end) == (start, end)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_odd_text_comes_back(text: str, pieces: Vocabulary) -> None:
    check(text, pieces)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_every_coloured_span_put_together_is_the_typed_text(form: str, pieces: Vocabulary) -> None:
    if not COMMENTS.is_file():
        pytest.skip("../shared/data is not there")
    with COMMENTS.open(encoding="utf-8", newline="") as file:
        texts = [row[0] for row in csv.reader(file, delimiter="\t")][1:2001]
    assert len(texts) == 2_000
    for text in texts:
        check(unicodedata.normalize(form, text), pieces)


def typed(text: str, pieces: Vocabulary) -> list[tuple[str, str]]:
    """Return each span as it was typed, with its pieces."""
    names = ["", *map(pieces.piece, pieces.ids(text))]
    return [
        (text[span.start : span.end], " ".join(names[piece] for piece in span.pieces))
        for span in read(text, pieces, 64).spans
    ]


def test_normalised_letters_land_on_what_was_typed() -> None:
    decomposed = unicodedata.normalize("NFD", "안녕하세요")
    assert typed(f"ㅋㅋㅋ ＡＢＣ {decomposed}", vocabulary()) == [
        ("ㅋㅋㅋ", "▁ᄏᄏᄏ"),
        ("Ａ", "▁A"),
        ("Ｂ", "B"),
        ("Ｃ", "C"),
        (unicodedata.normalize("NFD", "안녕"), "▁안녕"),
        (unicodedata.normalize("NFD", "하세요"), "하세요"),
    ]


def test_pieces_of_one_character_share_it() -> None:
    assert typed("㈜한글", vocabulary()) == [("㈜", "▁( 주 )"), ("한", "한"), ("글", "글")]


def test_pieces_are_grouped_by_white_space_alone() -> None:
    text = "정말  좋아요! \u200b漢字\u3000끝"
    reading = read(text, vocabulary(), 64)
    assert [reading.word(number) for number in range(len(reading.words))] == [
        *("정말", "좋아요!", "漢字", "끝")
    ]
    assert reading.pieces_of(1) == tuple(
        piece for span in reading.spans if span.word == 1 for piece in span.pieces
    )


def test_what_is_cut_is_told() -> None:
    reading = read("가 나 다 라 마", vocabulary(), 5)
    assert reading.kept == 3
    assert reading.read_words == tuple(
        dict.fromkeys(span.word for span in reading.spans if span.pieces[0] <= 3)
    )
    assert len(reading.read_words) < len(reading.words) == 5
    assert reading.pieces_of(4) == ()


def test_a_hundred_thousand_characters_are_placed(tmp_path: Path) -> None:
    text = "행복한 하루 " * 14_300
    assert len(text) > 100_000
    assert put_together(read(text, vocabulary(), 64)) == text
