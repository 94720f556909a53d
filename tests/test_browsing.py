"""Scored sentences: found, suspected and written as TSV."""

import csv
import io

import numpy as np

from kobert_demo.evaluation.browsing import Filter, as_tsv, browse, suspects
from tests.evaluating import made_up


def test_browsing_finds_what_was_asked_for() -> None:
    texts = ["가나다라", "마바", "사 ABC", "아자차카타파"]
    scores = made_up(texts, [0, 1, 0, 1], [[3, 0], [1, 0], [0, 2], [0, 0.1]])
    assert list(browse(scores, Filter(), "line")) == [0, 1, 2, 3]
    assert list(browse(scores, Filter(wrong=True), "confident")) == [2, 1]
    assert list(browse(scores, Filter(), "uncertain")) == [3, 1, 2, 0]
    assert list(browse(scores, Filter(), "longest")) == [3, 2, 0, 1]
    assert list(browse(scores, Filter(), "shortest")) == [1, 0, 2, 3]
    assert list(browse(scores, Filter(true=0, predicted=1), "line")) == [2]
    assert list(browse(scores, Filter(text=" abc "), "line")) == [2]
    assert list(browse(scores, Filter(text="ＡＢＣ"), "line")) == [2]
    assert list(browse(scores, Filter(text="없는 말"), "line")) == []


def test_only_confident_disagreement_is_suspected() -> None:
    logits = [[4, 0], [3, 0], [0, 4], [0, 3], [0, 4], [0.2, 0]]
    scores = made_up(list("abcdef"), [0, 0, 1, 1, 0, 1], logits)
    assert list(suspects(scores)) == [4]


def test_a_sentence_with_tabs_lines_and_quotes_survives_the_tsv() -> None:
    hostile = 'tab\there "quoted"\nnext line'
    scores = made_up([hostile], [0], [[0, 1]])
    (_, row) = csv.reader(
        io.StringIO(as_tsv(scores, np.array([0])).decode("utf-8-sig"), newline=""), delimiter="\t"
    )
    assert row == ["2", "a", "b", "0.7311", hostile]
