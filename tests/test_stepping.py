"""One step: the same whether its batch goes through the model at once or in parts, and in any precision."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from kobert_demo import stepping
from kobert_demo.batches import Batch, collate
from kobert_demo.encoded import encode_texts
from kobert_demo.stepping import Stepper, parts
from tests.models import eight_sentences, tiny_model, vocabulary

RATE = 0.1


def batch() -> Batch:
    return collate(eight_sentences(), np.arange(8))


def stepper(monkeypatch: pytest.MonkeyPatch, halved: bool = False, tokens: int = 10_000) -> Any:
    """Return a stepper of plain SGD, whose steps show the gradients, and its model."""
    monkeypatch.setattr(stepping, "multiplies_bfloat16", lambda kind: halved)
    monkeypatch.setitem(stepping.PART_TOKENS, "cpu", tokens)
    model = tiny_model(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model.dropout.p = 0.0
    return Stepper(model, torch.optim.SGD(model.parameters(), RATE), 1e9), model


def test_parts_are_narrow_and_hold_every_sentence() -> None:
    whole = batch()
    width = whole.input_ids.shape[1]
    cut = list(parts(whole, 3 * width))
    assert [len(part.labels) for part in cut] == [3, 3, 2]
    assert torch.cat([part.labels for part in cut]).equal(whole.labels)
    assert all(bool(part.attention_mask[:, -1].any()) for part in cut)
    assert min(part.input_ids.shape[1] for part in cut) < width
    assert [len(part.labels) for part in parts(whole, 1)] == [1] * 8
    assert next(parts(whole, 8 * width)) is whole


@pytest.mark.parametrize("tokens", [1, 20, 50])
def test_a_batch_in_parts_makes_the_step_of_the_whole_batch(
    monkeypatch: pytest.MonkeyPatch, tokens: int
) -> None:
    whole, expected = stepper(monkeypatch)
    in_parts, model = stepper(monkeypatch, tokens=tokens)
    figures = whole.step(batch())
    assert torch.allclose(in_parts.step(batch()), figures, atol=1e-5)
    for found, wanted in zip(model.parameters(), expected.parameters(), strict=True):
        assert torch.allclose(found, wanted, atol=1e-6)


def test_bfloat16_computes_and_float32_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    exact, expected = stepper(monkeypatch)
    fast, model = stepper(monkeypatch, halved=True)
    start = [weight.detach().clone() for weight in model.parameters()]
    assert torch.allclose(fast.step(batch())[:2], exact.step(batch())[:2], rtol=0.02)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    moved = torch.cat([(a - b).flatten() for a, b in zip(model.parameters(), start, strict=True)])
    wanted = torch.cat(
        [(a - b).flatten() for a, b in zip(expected.parameters(), start, strict=True)]
    )
    assert torch.nn.functional.cosine_similarity(moved, wanted, dim=0) > 0.99
    for _ in range(3):  # each step begins from the weights of the one before
        assert torch.allclose(fast.step(batch())[0], exact.step(batch())[0], rtol=0.02)


def crowded(model: Any, most: int) -> list[int]:
    """Let a model run out of memory with more than so many sentences; return what it was given."""
    seen: list[int] = []
    forward: Callable[..., Any] = model.forward

    def narrow(**inputs: torch.Tensor) -> Any:
        seen.append(len(inputs["input_ids"]))
        if seen[-1] > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(**inputs)

    model.forward = narrow
    return seen


def test_a_full_memory_halves_the_parts_and_the_step_stays(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole, _ = stepper(monkeypatch)
    tight, model = stepper(monkeypatch)
    seen = crowded(model, most=2)
    assert torch.allclose(tight.step(batch()), whole.step(batch()), atol=1e-5)
    assert seen == [8, 4, 2, 2, 2, 2]
    assert caplog.text.count("the GPU's memory is full") == 2
    seen.clear()
    tight.step(batch())
    assert seen == [2, 2, 2, 2]  # it knows now


def test_a_sentence_that_does_not_fit_by_itself_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tight, model = stepper(monkeypatch)
    crowded(model, most=0)
    with pytest.raises(torch.OutOfMemoryError):
        tight.step(batch())


def test_long_texts_do_not_make_one_part_blow_up(monkeypatch: pytest.MonkeyPatch) -> None:
    short, model = stepper(monkeypatch, tokens=2**13)
    texts = ["정말 길고 긴 문장을 아주 길게 써 봅니다 " * 50] * 32
    data = encode_texts(texts, np.zeros(32), vocabulary(), 512)
    seen = crowded(model, most=16)
    short.step(collate(data, np.arange(32)))
    assert seen == [16, 16]
