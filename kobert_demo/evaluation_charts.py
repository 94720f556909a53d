"""Rows of an evaluation -> figures; titles arrive translated, labels are escaped."""

import html
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from kobert_demo.calibration import Reliability
from kobert_demo.charts import PALETTE, styled
from kobert_demo.evaluation.figures import Estimate

OTHERS = ("#8a8f99", "#c399d0")  # baselines stand behind the model
LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": None}
LARGEST_MARKER = 22  # pixels


def estimate_bars(figures: Mapping[str, Mapping[str, Estimate]]) -> go.Figure:
    """Return figures of several classifiers beside each other, with their 95 % intervals.

    Args:
        figures: a classifier's name to a figure's name to its estimate; the first one stands out.
    """
    figure = go.Figure()
    for (name, estimates), colour in zip(figures.items(), (PALETTE[0], *OTHERS), strict=False):
        values = [estimate.value for estimate in estimates.values()]
        figure.add_bar(
            name=html.escape(name, quote=False),
            x=[html.escape(title, quote=False) for title in estimates],
            y=values,
            text=[f"{value:.3f}" for value in values],
            textposition="inside",
            insidetextanchor="start",
            marker={"color": colour, "cornerradius": 3},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [e.high - e.value for e in estimates.values()],
                "arrayminus": [e.value - e.low for e in estimates.values()],
                "thickness": 1.5,
                "color": "#7f8796",
            },
            hovertemplate="%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
    figure.update_yaxes(range=[0, 1], fixedrange=True, nticks=6)
    figure.update_xaxes(fixedrange=True)
    return styled(figure, height=300).update_layout(showlegend=True, legend=LEGEND, bargap=0.25)


def reliability_diagram(
    curves: Mapping[str, Reliability], *, x_title: str, y_title: str
) -> go.Figure:
    """Return how often answers are right by their confidence; on the dotted line it is as often as said.

    Args:
        curves: a name to what is drawn, the last one in front; the area of a marker is the share of the
            answers in its range of confidence.
    """
    figure = go.Figure()
    figure.add_shape(
        type="line", x0=0, y0=0, x1=1, y1=1, line={"dash": "dot", "width": 1.5, "color": "#8a8f99"}
    )
    colours = (OTHERS[0], PALETTE[0])[-len(curves) :]
    for (name, curve), colour in zip(curves.items(), colours, strict=True):
        some = curve.counts > 0
        share = curve.counts[some] / curve.counts.sum()
        figure.add_scatter(
            name=html.escape(name, quote=False),
            x=curve.confidence[some],
            y=curve.accuracy[some],
            mode="lines+markers",
            line={"color": colour, "width": 1.5},
            marker={"size": np.maximum(LARGEST_MARKER * np.sqrt(share), 5), "color": colour},
            customdata=curve.counts[some],
            hovertemplate="%{x:.2f} → %{y:.2f} (n = %{customdata:,})<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title=x_title, range=[0, 1.02], fixedrange=True, nticks=6)
    figure.update_yaxes(title=y_title, range=[0, 1.05], fixedrange=True, nticks=6)
    return styled(figure, height=320).update_layout(showlegend=True, legend=LEGEND)


def progress_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float | None]]],
    *,
    x_title: str,
    y_title: str,
    limits: tuple[float, float] | None = None,
) -> go.Figure:
    """Return lines over the steps of a training, each with steps of its own.

    Args:
        curves: a translated name to its steps and values.
        limits: of the values; as they come where there are none.
    """
    figure = go.Figure()
    for (name, (steps, values)), colour in zip(curves.items(), PALETTE, strict=False):
        figure.add_scatter(
            name=name,
            x=list(steps),
            y=list(values),
            mode="lines",
            line={"color": colour, "width": 2},
            hovertemplate="%{y:.3f}<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title=x_title, fixedrange=True, nticks=10)
    figure.update_yaxes(title=y_title, range=limits, fixedrange=True, nticks=6)
    return styled(figure, height=300).update_layout(
        showlegend=True, legend=LEGEND, hovermode="x unified"
    )


def course(
    epochs: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    colours: Mapping[str, str],
    *,
    x_title: str,
    y_title: str,
) -> go.Figure:
    """Return a figure of each label over the epochs.

    Args:
        curves: label to its values; colours: of every label.
    """
    figure = go.Figure()
    for label, values in curves.items():
        figure.add_scatter(
            name=html.escape(label, quote=False),
            x=list(epochs),
            y=list(values),
            mode="lines+markers",
            line={"color": colours[label], "width": 2},
            hovertemplate="%{y:.3f}<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(title=x_title, fixedrange=True, nticks=10)
    figure.update_yaxes(title=y_title, range=[-0.02, 1.02], fixedrange=True, nticks=6)
    return styled(figure, height=320).update_layout(
        showlegend=True, legend=LEGEND, hovermode="x unified"
    )
