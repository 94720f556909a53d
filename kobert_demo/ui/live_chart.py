"""A line chart that grows while a run trains: a tick sends only the points that are new.

New points come from a `@st.fragment(run_every=...)` in which `live_chart` stands, or without a run of the
page (`live_run.py`). The page's body calls `restart_live_charts()` so that every full run of the page sends
all points once. `live_chart.js` draws them, keeps the person's zoom, and asks for all again where it lacks
some, or has them under other names.
"""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import streamlit as st

from kobert_demo.charts import FONT
from kobert_demo.curves import drawable
from kobert_demo.ui.plotly_file import plotly_url
from kobert_demo.ui.session import t

REPEATED_TICKS = 3  # the browser may skip a message when the next one arrives with it
# Steps (or epochs, or seconds), ascending, and their values.
Points = tuple[Sequence[float], Sequence[float | None]]
SENT = "live_charts"

_mount = st.components.v2.component(
    "kobert_live_chart",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Trace:
    """One line of a live chart.

    Attributes:
        name: what the legend calls it, translated.
        colour: as `#rrggbb`.
        read: given a step, returns the later steps, ascending, and their values, few enough to draw; -1
            asks for all.
        mode: `lines+markers` where single points matter, such as one evaluation an epoch.
    """

    name: str
    colour: str
    read: Callable[[float], Points]
    mode: Literal["lines", "lines+markers"] = "lines"


@dataclass(frozen=True)
class _Sent:
    """What the browser was sent of one chart.

    Attributes:
        shape: the run and the trace names; where they change, all points go out anew.
        marks: the last step of each trace after each of the last messages, the oldest first.
    """

    shape: tuple[str, ...]
    marks: tuple[tuple[float, ...], ...]


def restart_live_charts() -> None:
    """Make every live chart send all its points next; called once in the body of a page."""
    st.session_state[SENT] = {}


def live_chart(
    key: str,
    run: str,
    traces: Sequence[Trace],
    *,
    x_title: str,
    y_title: str,
    levels: Mapping[str, float] | None = None,
    y_range: tuple[float, float] | None = None,
    from_zero: bool = False,
    height: int = 300,
) -> None:
    """Draw the traces of `run`, or add the points that they got since the last tick.

    Args:
        key: names the chart among all charts of the app.
        run: the run's id; the person's zoom is kept as long as it stays.
        levels: name to value of dashed horizontal lines, such as a baseline.
        y_range: the lowest and highest value shown until the person zooms.
        from_zero: whether 0 is always shown.
        height: in pixels.
    """
    charts: dict[str, _Sent] = st.session_state.setdefault(SENT, {})
    shape = (run, *(trace.name for trace in traces))
    sent = charts.get(key)
    growing = sent is not None and sent.shape == shape
    marks = sent.marks if sent and growing else ((-1,) * len(traces),)
    points = [_points(trace, after) for trace, after in zip(traces, marks[0], strict=True)]
    now = tuple(max([mark, *x[-1:]]) for (x, _), mark in zip(points, marks[-1], strict=True))
    charts[key] = _Sent(shape, (*marks, now)[-REPEATED_TICKS:] if growing else (now,))
    message: dict[str, object] = {
        "chart": f"{key} {run}",
        "names": [_escaped(trace.name) for trace in traces],
        "after": marks[0],
        "x": [x for x, _ in points],
        "y": [y for _, y in points],
    }
    if not growing:
        message["drawing"] = {
            "traces": [{"colour": trace.colour, "mode": trace.mode} for trace in traces],
            "levels": {_escaped(name): value for name, value in (levels or {}).items()},
            "titles": {"x": x_title, "y": y_title, "all": t("Show everything")},
            "y_range": y_range,
            "from_zero": from_zero,
            "height": height,
            "font": FONT,
            "plotly": plotly_url(),
        }
    _mount(key=key, data=message, on_resync_change=partial(_forget, key))


def _forget(key: str) -> None:
    st.session_state[SENT].pop(key, None)


def _escaped(text: str) -> str:
    """Return `text` so that Plotly, which draws tags, shows it as it is."""
    return html.escape(text, quote=False)


def _points(trace: Trace, after: float) -> Points:
    """Return the points of `trace` past step `after` for the browser."""
    steps, values = trace.read(after)
    return steps, drawable(values)
