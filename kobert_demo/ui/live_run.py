"""How far a run is and its latest figures: asked for each second by the page, drawn without running it.

`live_run.js` asks the route of `live_route.py`, shows the answer, and hands the new points to the charts of
the run. Where the run is not as it was when the page was drawn, the page runs again.
"""

from pathlib import Path

import streamlit as st

from kobert_demo.live import CHARTS, look
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from kobert_demo.ui.live_route import POLL, live_url
from kobert_demo.ui.session import language, t

_mount = st.components.v2.component(
    "kobert_live_run",
    js=POLL + Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def live_run(runs: Runs, run: Run) -> None:
    """Show a run's progress and figures; while it is active, they and its live charts follow it."""
    which = (
        t("Test loss and accuracy are those of the last evaluation.")
        if run.active
        else t("Test loss and accuracy are those of the model that was kept, the best by macro-F1.")
    )
    _mount(
        key="live_run",
        data={
            "run": run.run,
            "language": language(),
            "url": live_url(run.run) if run.active else None,
            "charts": list(CHARTS),
            "note": f"{which} {t('Train accuracy counts anew in each epoch.')}",
            **look(runs, run, language()),
        },
        on_changed_change=lambda: None,
    )
