"""Rows -> figures: the charts of every page, without Streamlit and without a browser.

Titles arrive translated. Labels are the person's own text, so they are escaped: Plotly would draw
tags in them. Background and text colours are left to the page's light or dark theme.
"""

import html
from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import plotly.graph_objects as go

# Apart for the colour-blind too (OKLab distance at least 0.07 for each kind), and each at least
# 2.3:1 on white and 3:1 on the dark background. `.streamlit/config.toml` repeats them.
PALETTE = (
    "#6895f4",
    "#dd9c42",
    "#488e2c",
    "#a0446e",
    "#7c5acc",
    "#d86069",
    "#406c9b",
    "#c399d0",
    "#6e651e",
    "#8a8f99",
)
EMOTIONS = {
    "공포": "#7c5acc",
    "놀람": "#c399d0",
    "분노": "#d86069",
    "슬픔": "#6895f4",
    "중립": "#8a8f99",
    "행복": "#dd9c42",
    "혐오": "#488e2c",
}
KEPT, CUT = "#6895f4", "#d86069"
FONT = (
    "'Pretendard Variable', 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans KR', "
    "NanumGothic, sans-serif"
)
BAR_PIXELS = 32
LONGEST_NAME = 22
MOST_BINS = 72


def label_colours(labels: Sequence[str]) -> dict[str, str]:
    """Return one colour a label: fixed for the seven emotions, by position for the others.

    Past ten labels, colours repeat.
    """
    fixed = {label: EMOTIONS[label] for label in labels if label in EMOTIONS}
    free = [colour for colour in PALETTE if colour not in fixed.values()] or PALETTE
    others = dict(zip((label for label in labels if label not in EMOTIONS), cycle(free)))
    return {label: fixed.get(label) or others[label] for label in labels}


def label_counts(counts: Mapping[str, int], colours: Mapping[str, str] | None = None) -> go.Figure:
    """Return the examples per label as horizontal bars, in the order given.

    Args:
        colours: `label_colours` of all the labels, where not all of them are shown.
    """
    colours = colours or label_colours(list(counts))
    return _bars(
        list(counts),
        list(counts.values()),
        [f"{count:,}" for count in counts.values()],
        [colours[label] for label in counts],
    )


def probability_bars(
    probabilities: Mapping[str, float], colours: Mapping[str, str] | None = None
) -> go.Figure:
    """Return the probabilities as horizontal bars, the largest on top.

    Args:
        probabilities: label to probability, in the model's label order.
        colours: `label_colours` of all the labels, where not all of them are shown.
    """
    colours = colours or label_colours(list(probabilities))
    ranked = sorted(probabilities, key=lambda label: -probabilities[label])
    values = [probabilities[label] for label in ranked]
    figure = _bars(ranked, values, list(map(percent, values)), [colours[name] for name in ranked])
    return figure.update_xaxes(range=[0, 1.18])


def percent(share: float) -> str:
    """Return a share such as 0.9312 as `93.1%`; above none but under 0.1 % as `<0.1%`."""
    return "<0.1%" if 0 < share < 0.001 else f"{share:.1%}"


def length_histogram(
    lengths: np.ndarray, max_length: int, *, x_title: str, y_title: str, limit_title: str
) -> go.Figure:
    """Return how many sentences have each length, with the limit that longer ones are cut at.

    Args:
        lengths: number of sentences of each `valid_length`, by that length (`np.bincount`).
        limit_title: what stands at the limit, such as `max_length 64`.
    """
    width = -(-len(lengths) // MOST_BINS) or 1
    # The limit is always the end of a bin, so that no bar is partly cut.
    starts = np.arange((max_length + 1) % width - width, len(lengths), width)
    sums = [int(lengths[max(start, 0) : start + width].sum()) for start in starts]
    figure = go.Figure(
        go.Bar(
            x=starts + (width - 1) / 2,
            y=sums,
            width=width,
            marker={
                "color": np.where(starts > max_length, CUT, KEPT),
                "line_width": 0 if width > 1 else 0.5,
                "line_color": "rgba(127,127,127,0.2)",
            },
            customdata=[
                f"{max(start, 0)}–{start + width - 1}" if width > 1 else str(start)
                for start in starts.tolist()
            ],
            hovertemplate="%{customdata}: %{y:,}<extra></extra>",
        )
    )
    longest = int(np.flatnonzero(lengths).max(initial=0))
    figure.add_vline(
        max_length + 0.5,
        line={"dash": "dot", "width": 1.5, "color": "#8a8f99"},
        annotation={
            "text": html.escape(limit_title, quote=False),
            "xanchor": "right" if longest < 2 * max_length else "left",
        },
    )
    figure.update_xaxes(
        title=x_title, range=[0, max(longest, max_length) + width], showgrid=False, fixedrange=True
    )
    figure.update_yaxes(title=y_title, tickformat=",~s", nticks=5, fixedrange=True)
    return styled(figure, height=260)


def _bars(
    names: Sequence[str], values: Sequence[float], texts: Sequence[str], colours: Sequence[str]
) -> go.Figure:
    """Return horizontal bars, the first on top, each between its name and its text."""
    rows = list(range(len(names)))
    figure = go.Figure(
        go.Bar(
            x=values,
            y=rows,
            orientation="h",
            text=[html.escape(text, quote=False) for text in texts],
            textposition="outside",
            cliponaxis=False,
            marker={"color": colours, "cornerradius": 3},
            customdata=[html.escape(name, quote=False) for name in names],
            hovertemplate="%{customdata}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(
        tickvals=rows, ticktext=list(map(_short, names)), autorange="reversed", showgrid=False
    )
    figure.update_xaxes(
        range=[0, max(values, default=1) * 1.18 or 1], showticklabels=False, showgrid=False
    )
    figure.update_xaxes(fixedrange=True, zeroline=False)
    figure.update_yaxes(fixedrange=True, ticks="", ticklabelstandoff=6)
    return styled(figure, height=BAR_PIXELS * len(names) + 16).update_layout(bargap=0.35)


def _short(name: str) -> str:
    """Return `name` escaped and cut to what fits beside the bars on a phone."""
    cut = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
    return html.escape(cut, quote=False)


def styled(figure: go.Figure, height: int) -> go.Figure:
    """Give a figure the look of all charts."""
    return figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 13},
        showlegend=False,
        dragmode=False,
        modebar={
            "remove": ["toImage", "zoom", "pan", "select", "lasso", "autoScale", "resetScale"]
        },
    )
