"""The segments of a sentence that can be clicked: together they are what was typed."""

import unicodedata

import pytest

from kobert_demo.offsets import Reading, read
from kobert_demo.ui.clickable_sentence import Part, Segment, segments_of
from tests.models import vocabulary

ODD = [
    "정말 정말 좋아",
    "  앞뒤에 빈칸  ",
    "\u202e뒤집힌 말\u202c \u200f안녕 ＡＢＣ ㅋㅋㅋ ㈜ 😀 " + unicodedata.normalize("NFD", "안녕"),
    "가\u200b나\u0007다 \ufeff라",
    "행복한 하루 " * 40,
    "ㅋ" * 500,
    "",
]


def words(where: Reading) -> list[Part]:
    return [where.words[number] for number in where.read_words]


def pieces(where: Reading) -> list[Part]:
    return [(span.start, span.end) for span in where.spans if span.pieces[0] <= where.kept]


def text(segments: list[Segment]) -> str:
    return "".join(piece["text"] for segment in segments for piece in segment["pieces"])


@pytest.mark.parametrize("parts_of", [words, pieces])
@pytest.mark.parametrize("typed", ODD)
def test_the_segments_are_what_was_typed(typed: str, parts_of) -> None:
    where = read(typed, vocabulary(), 32)
    parts = parts_of(where)
    segments = segments_of(where, parts, {})
    shown = text(segments)
    assert typed.startswith(shown)
    assert len(shown) == len(typed) or len(shown) >= 300
    for segment in segments:
        if segment["part"] is not None:
            start, end = parts[segment["part"]]
            assert text([segment]) == typed[start : min(end, len(shown))]
    chosen = [segment["part"] for segment in segments if segment["part"] is not None]
    assert chosen == list(range(len(parts)))


def test_each_piece_has_its_look_and_what_was_cut_another() -> None:
    where = read("정말 정말 좋아 " * 20, vocabulary(), 8)
    looks = dict.fromkeys(range(1, where.kept + 1), "read")
    segments = segments_of(where, pieces(where), looks)
    seen = [p["look"] for segment in segments for p in segment["pieces"] if p["text"].strip()]
    assert seen[: len(pieces(where))] == ["read"] * len(pieces(where))
    assert all("line-through" in look for look in seen[len(pieces(where)) :])
