"""Attention is what the classifier computed: padding gets none of it, and rows add up to 1."""

import numpy as np
import pytest

from kobert_demo.attention import Attention, attention, eager
from kobert_demo.encoding import encode
from kobert_demo.model_files import READY_MADE
from kobert_demo.predictor import Predictor
from tests.test_attribution import family  # noqa: F401

TEXT = "으악 귀신이다 너무 무서워서 살려줘!"


def look(predictor: Predictor, text: str) -> Attention:
    encoding = encode(text, predictor.vocabulary, predictor.max_length)
    return attention(eager(predictor.model), encoding)


def test_padding_gets_exactly_nothing_on_every_kind_of_encoder(family: Predictor) -> None:  # noqa: F811
    short, long = look(family, "좋아"), look(family, TEXT * 20)
    assert short.on_padding == long.on_padding == 0
    assert len(short.tokens) < len(long.tokens) == family.max_length
    for seen in (short, long):
        assert seen.weights.shape == (2, 2, len(seen.tokens), len(seen.tokens))
        assert seen.weights.sum(-1) == pytest.approx(1, abs=1e-5)


def test_the_twin_shares_its_weights_and_leaves_the_classifier_as_it_was() -> None:
    predictor = Predictor(READY_MADE, exact=True)
    before = predictor.logits([TEXT])
    twin = eager(predictor.model)
    pairs = zip(twin.parameters(), predictor.model.parameters(), strict=True)
    assert all(one is other for one, other in pairs)
    attention(twin, encode(TEXT, predictor.vocabulary, predictor.max_length))
    assert predictor.model.config._attn_implementation == "sdpa"
    assert np.array_equal(before, predictor.logits([TEXT]))


def test_rollout_by_hand() -> None:
    first, second = np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([[1.0, 0.0], [0.5, 0.5]])
    weights = np.array([[first, first], [second, second]], np.float32)
    rolled = Attention(("[CLS]", "[SEP]"), weights, 0.0).rollout()
    expected = (second + np.eye(2)) / 2 @ ((first + np.eye(2)) / 2)
    assert rolled == pytest.approx(expected)
    assert rolled.sum(-1) == pytest.approx(1)


def test_mean_distance_by_hand() -> None:
    itself, next_one = np.eye(3), np.array([[0, 1, 0], [0, 0, 1], [0, 1, 0]])
    weights = np.array([[itself, next_one]], np.float32)
    assert Attention(("a", "b", "c"), weights, 0.0).mean_distance().tolist() == [[0, 1]]
