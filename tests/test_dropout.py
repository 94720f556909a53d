"""Dropout by bits: what is drawn, what gradients see, and which modules are replaced."""

import pytest
import torch
from torch import nn

from kobert_demo.dropout import BitDropout, use_bits

SHAPES = [(1,), (3, 7), (32, 19, 256)]


def of_ones(dropout: nn.Module, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    torch.manual_seed(0)
    return dropout(torch.ones(shape, dtype=dtype))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_as_many_are_dropped_as_asked_and_the_others_scaled(p: float) -> None:
    count = 400_000
    values = of_ones(BitDropout(p), count)
    dropped = int((values == 0).sum())
    spread = (count * p * (1 - p)) ** 0.5
    assert abs(dropped - count * p) < 4 * spread
    assert torch.equal(values[values != 0], torch.full((count - dropped,), 1 / (1 - p)))


def test_each_element_is_dropped_by_itself() -> None:
    kept = of_ones(BitDropout(0.5), 100_000).bool().float()
    for distance in (1, 2, 3, 4, 256):  # four elements share a drawn number
        both = float((kept[distance:] * kept[:-distance]).mean())
        assert abs(both - 0.25) < 0.01


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_reach_what_was_kept(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    values = torch.full(shape, 2, dtype=dtype, requires_grad=True)
    given = BitDropout(0.1)(values)
    given.sum().backward()
    assert given.shape == values.shape
    assert given.dtype == dtype
    assert torch.equal(given, values * values.grad)


def test_the_same_state_of_torchs_generator_drops_the_same() -> None:
    dropout = BitDropout(0.5)
    first = of_ones(dropout, 1000)
    state = torch.get_rng_state()
    second = dropout(torch.ones(1000))
    assert not torch.equal(first, second)
    torch.set_rng_state(state)
    assert torch.equal(dropout(torch.ones(1000)), second)


@pytest.mark.parametrize("dropout", [BitDropout(0.0), BitDropout(0.5).eval()])
def test_nothing_is_dropped_with_probability_0_or_outside_of_training(dropout: nn.Module) -> None:
    values = torch.randn(100)
    assert torch.equal(dropout(values), values)


def test_no_sentence_drops_nothing() -> None:
    assert BitDropout(0.5)(torch.empty(0, 8)).shape == (0, 8)


def test_every_dropout_of_a_model_is_replaced_with_its_own_probability() -> None:
    model = nn.Sequential(nn.Dropout(0.2), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.4)))
    names = set(model.state_dict())
    use_bits(model)
    of = [module.p for module in model.modules() if isinstance(module, BitDropout)]
    assert of == [0.2, 0.4]
    assert not any(type(module) is nn.Dropout for module in model.modules())
    assert set(model.state_dict()) == names
