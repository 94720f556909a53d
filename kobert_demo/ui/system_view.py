"""What the machine did while a run trained: speed, CPU, memory and GPU over the run's own time."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from kobert_demo.charts import PALETTE
from kobert_demo.curves import MOST_POINTS
from kobert_demo.store import Run, RunStore
from kobert_demo.system import INTERVAL
from kobert_demo.ui.live_chart import Points, Trace, live_chart
from kobert_demo.ui.session import t

RUN, ALL = PALETTE[0], PALETTE[9]
CHART_WIDTH, CHART_HEIGHT = 280, 220  # pixels; the width is the least
GB = 1e9
LONG = 3  # minutes or hours, before the time is counted in them


@dataclass(frozen=True)
class _Chart:
    """One chart of the panel.

    Attributes:
        title: what it shows and its unit, translated.
        lines: name (translated) and colour of each column of the samples.
        scale: the value that is drawn as 1.
        full: the highest value, where there is one.
    """

    title: str
    lines: dict[str, tuple[str, str]]
    scale: float = 1.0
    full: float | None = None


def system_view(store: RunStore, run: Run) -> None:
    """Show what is sampled while `run` trains, in an expander; nothing where it waits or has no sample.

    While it is closed, nothing is looked at.
    """
    if run.status != "running" and not store.sample_ends(run.run):
        return
    icon = ":material/monitor_heart:"
    panel = st.expander(t("System"), icon=icon, key="system", on_change="rerun")
    if panel.open:
        with panel:
            st.caption(
                t("Measured every two seconds while it trains; “All” includes other programs.")
            )
            st.fragment(_charts, run_every=INTERVAL if run.active else None)(store, run.run)


def _charts(store: RunStore, run: str) -> None:
    ends = store.sample_ends(run)
    if not ends:
        return
    charts = {**_machine(), **(_gpu() if any(end["gpu_memory"] for end in ends) else {})}
    unit, x_title = _unit(ends[-1]["seconds"])
    with st.grid(3, min_column_width=CHART_WIDTH, gap="small"):
        for key, chart in charts.items():
            live_chart(
                f"system {key}",
                f"{run} {unit:g}",  # where the unit changes, all points go out anew
                [
                    Trace(name, colour, _reader(store, run, column, unit, chart.scale))
                    for column, (name, colour) in chart.lines.items()
                ],
                x_title=x_title,
                y_title=chart.title,
                y_range=(0, chart.full) if chart.full else None,
                from_zero=True,
                height=CHART_HEIGHT,
            )


def _machine() -> dict[str, _Chart]:
    run, everything = (t("This run"), RUN), (t("All"), ALL)
    return {
        "speed": _Chart(t("Sentences/s"), {"sentences_per_second": run}),
        "cpu": _Chart(t("CPU (%)"), {"own_cpu": run, "cpu": everything}, 0.01, 100),
        "memory": _Chart(t("Memory (GB)"), {"own_memory": run, "memory": everything}, GB),
    }


def _gpu() -> dict[str, _Chart]:
    line = (t("All"), RUN)
    return {
        "gpu": _Chart(t("GPU (%)"), {"gpu": line}, 0.01, 100),
        "gpu_memory": _Chart(t("GPU memory (GB)"), {"gpu_memory": line}, GB),
        "gpu_temperature": _Chart(t("GPU temperature (°C)"), {"gpu_temperature": line}),
        "gpu_power": _Chart(t("GPU power (W)"), {"gpu_power": line}),
    }


def _unit(seconds: float) -> tuple[float, str]:
    """Return the seconds of the unit to count so long a time in, and the time axis's title."""
    if seconds < LONG * 60:
        return 1, t("Time (s)")
    if seconds < LONG * 3600:
        return 60, t("Time (min)")
    return 3600, t("Time (h)")


def _reader(
    store: RunStore, run: str, column: str, unit: float, scale: float
) -> Callable[[float], Points]:
    """Return how to read a column's values, in `scale`, over the time in `unit` (seconds)."""

    def read(after: float) -> Points:
        seconds, values = store.samples(run, column, after * unit, MOST_POINTS)
        return [second / unit for second in seconds], [value / scale for value in values]

    return read
