"""The sample data: enough, balanced, without templates, and its halves apart.

`everyday.tsv` is kept apart from everything that is trained on, to judge classifiers by.
"""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

import kobert_demo

DATA = Path(kobert_demo.__file__).with_name("data")
HALVES = (DATA / "sample.tsv", DATA / "sample-test.tsv")
APART = DATA / "everyday.tsv"
EMOTIONS = {"공포", "놀람", "분노", "슬픔", "중립", "행복", "혐오"}
MOST_ALIKE = 0.5  # share of the shorter sentence's 4-grams
MOST_PATTERN = 0.03  # share of a label's sentences


def read(path: Path) -> list[tuple[str, str]]:
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    assert header == "sentence\tlabel"
    rows = [line.split("\t") for line in lines]
    return [(sentence, label) for sentence, label in rows]


def four_grams(sentence: str) -> set[str]:
    letters = "".join(sentence.split())
    return {letters[start : start + 4] for start in range(max(1, len(letters) - 3))}


@pytest.mark.parametrize(("path", "least"), [(HALVES[0], 210), (HALVES[1], 100), (APART, 20)])
def test_each_emotion_has_enough_sentences(path: Path, least: int) -> None:
    counts = Counter(label for _, label in read(path))
    assert set(counts) == EMOTIONS
    assert min(counts.values()) >= least


def test_no_two_sentences_are_alike() -> None:
    """Neither within a half, nor across the two, nor with those kept apart."""
    standing: defaultdict[str, list[int]] = defaultdict(list)
    grams = [four_grams(sentence) for path in (*HALVES, APART) for sentence, _ in read(path)]
    for number, own in enumerate(grams):
        shared = Counter(other for gram in own for other in standing[gram])
        for other, count in shared.items():
            assert count <= MOST_ALIKE * min(len(own), len(grams[other])), (number, other)
        for gram in own:
            standing[gram].append(number)


@pytest.mark.parametrize("path", HALVES, ids=lambda path: path.stem)
@pytest.mark.parametrize("emotion", sorted(EMOTIONS))
def test_no_opening_and_no_ending_repeats(path: Path, emotion: str) -> None:
    sentences = [sentence for sentence, label in read(path) if label == emotion]
    patterns = {
        "first word": [sentence.split()[0] for sentence in sentences],
        "last word": [sentence.split()[-1] for sentence in sentences],
        "opening": [sentence[:3] for sentence in sentences],
        "ending": [sentence[-3:] for sentence in sentences],
    }
    for kind, found in patterns.items():
        pattern, count = Counter(found).most_common(1)[0]
        assert count <= MOST_PATTERN * len(sentences), (kind, pattern)
