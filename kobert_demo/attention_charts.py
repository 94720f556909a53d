"""Attention -> figures; pieces are the person's own text, so they are escaped."""

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from kobert_demo.charts import styled

SCALE = ((0.0, "rgba(104,149,244,0.02)"), (1.0, "rgba(70,110,225,1)"))  # on light and on dark
PIECE_PIXELS, LEAST_PIXELS, MOST_PIXELS = 22, 260, 720
MOST_NAMED = 64  # pieces that get a name on the axes
TILE = 24  # cells a side of one head in the grid of all heads
GRID_PIXELS = 96  # height of one layer in it


def heat_map(
    weights: NDArray[np.float32], tokens: Sequence[str], *, x_title: str, y_title: str
) -> go.Figure:
    """Return how much each piece (a row) looks at each other one (a column).

    Args:
        weights: (tokens, tokens), 0 to 1.
    """
    names = [html.escape(token, quote=False) for token in tokens]
    named = len(names) <= MOST_NAMED  # past that by position, from 0
    figure = go.Figure(
        go.Heatmap(
            z=np.asarray(weights, np.float32),
            customdata=[[f"{one} → {other}" for other in names] for one in names]
            if named
            else None,
            hovertemplate=f"{'%{customdata}' if named else '%{y} → %{x}'}: %{{z:.3f}}<extra></extra>",
            colorscale=SCALE,
            zmin=0,
            zmax=float(weights.max(initial=0)) or 1,
            showscale=False,
            xgap=int(named),
            ygap=int(named),
        )
    )
    ticks = {"tickvals": list(range(len(names))), "ticktext": names} if named else {}
    axis = {**ticks, "showgrid": False, "zeroline": False, "ticks": ""}
    figure.update_xaxes(**axis, title=x_title, side="top", tickangle=-60, fixedrange=True)
    figure.update_yaxes(**axis, title=y_title, autorange="reversed", fixedrange=True)
    height = min(max(PIECE_PIXELS * len(names) + 110, LEAST_PIXELS), MOST_PIXELS)
    return styled(figure, height=height)


def head_grid(
    weights: NDArray[np.float32], distances: NDArray[np.float32], *, layer: str, head: str
) -> go.Figure:
    """Return all heads as small heat maps, a row a layer, each on a scale of its own.

    Args:
        weights: (layers, heads, tokens, tokens).
        distances: (layers, heads), told for each.
        layer, head: what they are called.
    """
    layers, heads = distances.shape
    tiles = _shrunk(weights)
    side = tiles.shape[-1]
    tiles = tiles / np.maximum(tiles.max((-2, -1), keepdims=True), 1e-9)
    framed = np.full((layers, heads, side + 1, side + 1), np.nan, np.float32)  # gaps between them
    framed[..., :side, :side] = tiles
    figure = go.Figure(
        go.Heatmap(
            z=framed.transpose(0, 2, 1, 3).reshape(layers * (side + 1), heads * (side + 1)),
            hoverinfo="skip",
            colorscale=SCALE,
            showscale=False,
        )
    )
    columns, rows = ((side / 2 - 0.5 + np.arange(many) * (side + 1)) for many in (heads, layers))
    figure.add_scatter(  # unseen: what is told of the head that the pointer is nearest to
        x=np.tile(columns, layers),
        y=np.repeat(rows, heads),
        mode="markers",
        marker={"opacity": 0},
        customdata=[
            f"{layer} {row + 1}, {head} {column + 1}: {distances[row, column]:.1f}"
            for row in range(layers)
            for column in range(heads)
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    axis = {"showgrid": False, "zeroline": False, "ticks": "", "fixedrange": True}
    names = [[str(number + 1) for number in range(many)] for many in (heads, layers)]
    edges = [[-0.5, many * (side + 1) - 1.5] for many in (heads, layers)]
    figure.update_xaxes(
        **axis, tickvals=columns, ticktext=names[0], title=head, side="top", range=edges[0]
    )
    figure.update_yaxes(**axis, tickvals=rows, ticktext=names[1], title=layer, range=edges[1][::-1])
    styled(figure, height=GRID_PIXELS * layers + 60)
    return figure.update_layout(hovermode="closest", hoverdistance=-1)


def _shrunk(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return at most `TILE` cells a side, each the largest weight of those that it stands for."""
    tokens = weights.shape[-1]
    edges = np.linspace(0, tokens, min(tokens, TILE) + 1).astype(int)[:-1]
    return np.asarray(
        np.maximum.reduceat(np.maximum.reduceat(weights, edges, axis=-1), edges, axis=-2)
    )
