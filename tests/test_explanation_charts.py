"""The figures of explanations: what they show, and that words are never drawn as tags."""

import numpy as np
import pytest

from kobert_demo.attention_charts import MOST_NAMED, TILE, head_grid, heat_map
from kobert_demo.attribution_charts import paired_bars

TAG = "<b>굵게</b>"


def weights(*shape: int) -> np.ndarray:
    drawn = np.random.default_rng(0).random(shape, np.float32)
    return np.asarray(drawn / drawn.sum(-1, keepdims=True))


def test_pieces_are_named_and_never_tags() -> None:
    figure = heat_map(weights(3, 3), ["[CLS]", TAG, "[SEP]"], x_title="to", y_title="from")
    (trace,) = figure.data
    assert trace.z.shape == (3, 3)
    assert trace.customdata[0][1] == "[CLS] → &lt;b&gt;굵게&lt;/b&gt;"
    assert TAG not in figure.to_json()
    assert figure.layout.xaxis.ticktext[1] == "&lt;b&gt;굵게&lt;/b&gt;"


def test_many_pieces_are_numbered() -> None:
    many = MOST_NAMED + 1
    (trace,) = heat_map(weights(many, many), ["x"] * many, x_title="to", y_title="from").data
    assert trace.customdata is None
    assert "%{y}" in trace.hovertemplate


@pytest.mark.parametrize("tokens", [3, TILE, 100])
def test_each_head_has_a_tile_and_its_distance(tokens: int) -> None:
    distances = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
    figure = head_grid(weights(2, 3, tokens, tokens), distances, layer="Layer", head="Head")
    tiles, told = figure.data
    side = min(tokens, TILE)
    assert tiles.z.shape == (2 * (side + 1), 3 * (side + 1))
    assert np.nanmax(tiles.z) == 1
    assert np.isnan(tiles.z[side]).all()
    assert list(told.customdata) == [
        *("Layer 1, Head 1: 1.0", "Layer 1, Head 2: 2.0", "Layer 1, Head 3: 3.0"),
        *("Layer 2, Head 1: 4.0", "Layer 2, Head 2: 5.0", "Layer 2, Head 3: 6.0"),
    ]
    for x, y, head in zip(told.x, told.y, range(6), strict=True):
        assert (int(y) // (side + 1), int(x) // (side + 1)) == divmod(head, 3)


def test_the_strongest_weight_of_a_tile_is_kept_when_it_is_shrunk() -> None:
    spot = np.full((1, 1, 100, 100), 0.001, np.float32)
    spot[0, 0, 50, 99] = 1
    tiles = head_grid(spot, np.ones((1, 1)), layer="Layer", head="Head").data[0].z
    assert np.nanmax(tiles) == 1
    assert np.nansum(tiles) < 2


def test_pairs_stand_beside_each_other_and_a_missing_value_has_no_bar() -> None:
    figure = paired_bars([TAG, TAG], {"<i>one": [0.5, None], "two": [0.25, -1]})
    first, second = figure.data
    assert list(first.x) == [0.5, None]
    assert list(first.text) == ["+0.500", ""]
    assert list(second.text) == ["+0.250", "-1.000"]
    assert first.name == "&lt;i&gt;one"
    assert TAG not in figure.to_json()


def test_shares_are_written_as_per_cent() -> None:
    figure = paired_bars(["행복"], {"before": [0.931], "after": [0.05]}, share=True)
    assert [trace.text[0] for trace in figure.data] == ["93.1%", "5.0%"]
