"""Attributions and changed answers -> figures; words and labels are escaped."""

import html
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from kobert_demo.charts import LONGEST_NAME, PALETTE, styled

COLOURS = (PALETTE[0], PALETTE[1])
BAR_PIXELS = 20
LEGEND = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "title": None}


def paired_bars(
    names: Sequence[str], values: Mapping[str, Sequence[float | None]], *, share: bool = False
) -> go.Figure:
    """Return two values of each name beside each other, the first name on top.

    Args:
        names: words or labels; the same one may come twice.
        values: what is compared -> its value for each name, None where it has none.
        share: whether they are shares of 1, to be written as per cent.
    """
    rows = list(range(len(names)))
    figure = go.Figure()
    for (title, each), colour in zip(values.items(), COLOURS, strict=True):
        figure.add_bar(
            name=html.escape(title, quote=False),
            x=list(each),
            y=rows,
            orientation="h",
            text=["" if value is None else _said(value, share) for value in each],
            textposition="outside" if share else "none",
            cliponaxis=False,
            marker={"color": colour, "cornerradius": 3},
            customdata=[html.escape(name, quote=False) for name in names],
            hovertemplate="%{customdata}: %{text}<extra>%{fullData.name}</extra>",
        )
    figure.update_yaxes(
        tickvals=rows,
        ticktext=[html.escape(_short(name), quote=False) for name in names],
        autorange="reversed",
        showgrid=False,
        fixedrange=True,
        ticks="",
        ticklabelstandoff=6,
    )
    figure.update_xaxes(fixedrange=True, zeroline=not share, zerolinewidth=1.5, nticks=7)
    if share:
        figure.update_xaxes(range=[0, 1.18], showticklabels=False, showgrid=False)
    styled(figure, height=2 * BAR_PIXELS * len(names) + 60)
    return figure.update_layout(
        showlegend=True,
        legend={**LEGEND, "traceorder": "normal"},
        barmode="group",
        bargap=0.3,
    )


def _said(value: float, share: bool) -> str:
    return f"{value:.1%}" if share else f"{value:+.3f}"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
