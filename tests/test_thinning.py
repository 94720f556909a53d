"""Thinning: what a long line must not lose."""

import math

import pytest

from kobert_demo.thinning import MOST_POINTS, thin


def test_thinning_keeps_ends_and_peaks() -> None:
    steps = list(range(1, 50_001))
    values: list[float | None] = [math.sin(step / 999) for step in steps]
    values[33_333], values[44_444], values[7], values[8] = 99.0, -99.0, math.nan, None
    kept_steps, kept = thin(steps, values)
    assert len(kept) <= MOST_POINTS
    assert kept_steps == sorted(set(kept_steps))
    assert (kept_steps[0], kept_steps[-1]) == (1, 50_000)
    assert {99.0, -99.0} <= set(kept)


@pytest.mark.parametrize("spike", [1, 2, 500_000, 765_432, 999_999])
def test_a_spike_of_one_step_in_a_million_stays_where_it_is(spike: int) -> None:
    steps = list(range(1, 1_000_001))
    values: list[float | None] = [1.0] * len(steps)
    values[spike - 1] = 7.0
    kept = dict(zip(*thin(steps, values), strict=True))
    assert len(kept) <= MOST_POINTS
    assert kept[spike] == 7.0


def test_thinning_leaves_a_line_without_any_number_as_it_is() -> None:
    steps, values = thin(list(range(5_000)), [math.nan] * 5_000)
    assert (steps[0], steps[-1]) == (0, 4_999)
    assert all(value is not None and math.isnan(value) for value in values)


def test_a_short_line_is_not_thinned() -> None:
    assert thin([1, 2], [0.5, math.nan])[0] == [1, 2]


def test_a_line_over_seconds_is_thinned_alike() -> None:
    seconds = [step / 7 for step in range(10_000)]
    kept, _ = thin(seconds, [float(i == 4_321) for i in range(10_000)])
    assert seconds[4_321] in kept
