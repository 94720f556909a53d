"""Attributions are complete, on every kind of encoder, and a second way agrees."""

import time

import numpy as np
import pytest
import torch

from kobert_demo.attribution import FIRST_STEPS, MOST_STEPS, WIDEST_GAP, Attribution, attribute
from kobert_demo.model import new_classifier
from kobert_demo.model_files import READY_MADE, find_model
from kobert_demo.predictor import Predictor
from kobert_demo.vocabularies import read_vocabulary
from tests.families import FAMILIES

TEXT = "으악 귀신이다 너무 무서워서 살려줘!"


@pytest.fixture(scope="module")
def ready_made() -> Predictor:
    return Predictor(READY_MADE, exact=True)


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A tiny classifier of each kind with random weights, large enough to answer differently."""
    directory = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    FAMILIES[request.param](directory)
    files = find_model(str(directory))
    vocabulary = read_vocabulary(files.vocabulary)
    model = new_classifier(files, ("행복", "분노", "슬픔"), 0.1, vocabulary)
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(3 if weights.dim() > 1 else 1)
    bundle = tmp_path_factory.mktemp("bundle")
    model.save_pretrained(bundle)
    for name, content in vocabulary.files(24).items():
        (bundle / name).write_bytes(content)
    return Predictor(str(bundle), exact=True)


def logit(predictor: Predictor, text: str, label: str) -> float:
    return float(predictor.logits([text])[0][predictor.labels.index(label)])


def test_attributions_add_up_on_every_kind_of_encoder(family: Predictor) -> None:
    for label in family.labels:
        found = attribute(family, TEXT, label)
        assert found.gap < WIDEST_GAP or found.steps == MOST_STEPS
        assert found.pieces.sum() == pytest.approx(found.change, rel=WIDEST_GAP, abs=1e-4)
        assert sum(found.words.values()) == pytest.approx(found.pieces.sum())
        assert found.pieces[0] == found.pieces[-1] == 0
        assert np.abs(found.pieces).max() > 0


def test_leaving_out_is_what_the_classifier_says_without_the_word(ready_made: Predictor) -> None:
    words = TEXT.split()
    found = attribute(ready_made, TEXT, "공포")
    whole = logit(ready_made, TEXT, "공포")
    for number in range(len(words)):
        rest = " ".join(words[:number] + words[number + 1 :])
        assert found.without[number] == pytest.approx(
            whole - logit(ready_made, rest, "공포"), abs=1e-4
        )


def test_what_frightens_speaks_for_fear(ready_made: Predictor) -> None:
    found = attribute(ready_made, TEXT, "공포")
    words = TEXT.split()
    for attributions in (found.words, found.without):
        best = words[max(attributions, key=attributions.__getitem__)]
        assert best in ("귀신이다", "무서워서")
    assert found.agreement is not None and 0 < found.agreement <= 1


def test_mini_takes_less_than_a_second(ready_made: Predictor) -> None:
    def seconds() -> float:
        started = time.perf_counter()
        found = attribute(ready_made, TEXT, "공포")
        assert (found.steps, found.gap < WIDEST_GAP) == (FIRST_STEPS, True)
        return time.perf_counter() - started

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two that wait for each other measure what else runs on the machine
    try:
        assert min(seconds() for _ in range(5)) < 1
    finally:
        torch.set_num_threads(threads)


def test_steps_grow_until_the_attributions_are_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = Predictor(READY_MADE, exact=True)
    monkeypatch.setattr("kobert_demo.attribution.WIDEST_GAP", 1e-5)
    found = attribute(exact, TEXT, "공포")
    assert FIRST_STEPS < found.steps <= MOST_STEPS
    assert found.gap < 1e-4


def test_only_what_is_read_is_attributed(ready_made: Predictor) -> None:
    text = "행복한 하루 " * 200
    found = attribute(ready_made, text, "행복")
    assert len(found.pieces) == ready_made.max_length
    assert len(found.words) == 62  # a piece each; 338 are cut
    assert found.words.keys() == found.without.keys()


@pytest.mark.parametrize("text", ["", "\u200b", "쀍", "좋아"])
def test_short_and_unreadable_text_is_attributed_too(ready_made: Predictor, text: str) -> None:
    found = attribute(ready_made, text, "행복")
    assert np.isfinite(found.pieces).all()
    assert np.isfinite(found.gap)
    assert found.agreement is None


def test_it_can_be_cancelled_between_forward_passes(ready_made: Predictor) -> None:
    heard: list[float] = []

    def cancel(share: float) -> None:
        heard.append(share)
        if len(heard) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attribute(ready_made, TEXT, "행복", cancel)
    assert len(heard) == 2


def test_progress_ends_at_all_of_it(ready_made: Predictor) -> None:
    heard: list[float] = []
    attribute(ready_made, TEXT, "행복", heard.append)
    assert heard[-1] == 1
    assert all(0 <= share <= 1 for share in heard)


def test_only_full_precision_is_attributed(ready_made: Predictor) -> None:
    quick = Predictor(READY_MADE)
    quick.precision = "bfloat16"
    with pytest.raises(ValueError, match="bfloat16"):
        attribute(quick, TEXT, "행복")


def test_a_correlation_that_says_nothing_is_none() -> None:
    def agreement(words: dict[int, float], without: dict[int, float]) -> float | None:
        return Attribution("행복", np.zeros(5), words, without, 0.0, 20).agreement

    assert agreement({0: 1, 1: 2, 2: 3}, {0: 2, 1: 4, 2: 9}) == pytest.approx(1)
    assert agreement({0: 1, 1: 2, 2: 3}, {0: 3, 1: 2, 2: 1}) == pytest.approx(-1)
    assert agreement({0: 1, 1: 2, 2: 3}, {0: 1, 1: 1, 2: 1}) is None
    assert agreement({0: 1, 1: 2}, {0: 1, 1: 2}) is None


def test_the_model_is_left_as_it_was(ready_made: Predictor) -> None:
    before = ready_made.logits([TEXT])
    attribute(ready_made, TEXT, "행복")
    assert np.array_equal(before, ready_made.logits([TEXT]))
    assert all(weights.grad is None for weights in ready_made.model.parameters())
