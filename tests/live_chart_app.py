"""An app with two live charts whose points come from a file, so that a test decides when they grow."""

import json
import math
import os
from pathlib import Path
from unittest.mock import patch

import streamlit as st

from kobert_demo.charts import PALETTE
from kobert_demo.curves import MOST_POINTS
from kobert_demo.ui.live_chart import Points, Trace, live_chart, restart_live_charts
from kobert_demo.ui.plotly_file import publish_plotly

POINTS = Path(os.environ["KOBERT_DEMO_WORKSPACE"]) / "points.json"
STRANGE = {5: math.nan, 6: math.inf, 7: -math.inf, 8: None}


def every_step(after: int) -> Points:
    steps = list(range(max(after, 0) + 1, json.loads(POINTS.read_text()) + 1))[-MOST_POINTS:]
    return steps, [STRANGE.get(step, 2 + math.sin(step / 9)) for step in steps]


def every_tenth(after: int) -> Points:
    steps = [step for step in every_step(after)[0] if step % 10 == 0]
    return steps, [1 - math.exp(-step / 500) for step in steps]


def charts(korean: bool) -> None:
    loss = "<b>손실</b>" if korean else "<b>loss</b>"
    accuracy = "정확도 & 기준" if korean else "accuracy & baseline"
    traces = [
        Trace(loss, PALETTE[0], every_step),
        Trace(accuracy, PALETTE[1], every_tenth, "lines+markers"),
    ]
    live_chart(
        "both",
        "run",
        traces,
        x_title="step",
        y_title="value",
        levels={"<i>level</i>": 0.5},
        y_range=(0, 4),
    )


@st.fragment(run_every=0.5)
def ticking_charts(korean: bool) -> None:
    charts(korean)
    st.caption("ticked")


def chart_page() -> None:
    st.button("run the page again")
    korean = st.toggle("한국어", persist_state="session", key="korean")
    restart_live_charts()
    if st.toggle("lose what is sent first"):
        with patch("kobert_demo.ui.live_chart._mount"):
            charts(korean)
    ticking_charts(korean)


def other_page() -> None:
    st.text("nothing here")


publish_plotly()
st.navigation(
    [st.Page(chart_page, title="chart", default=True), st.Page(other_page, title="other")]
).run()
