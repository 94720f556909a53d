"""A word, wherever the visitor is in the app, when a run has ended."""

from contextlib import suppress
from pathlib import Path

import streamlit as st

from kobert_demo.errors import KobertDemoError
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from kobert_demo.ui.elements import STATUSES, plain
from kobert_demo.ui.live_route import POLL, active_runs, live_url
from kobert_demo.ui.session import language, t, workspace

INTERVAL = 5  # seconds; whoever looks at the run itself learns of its end within one
GOING_ON = (
    "runs going on"  # the ids that were waiting or training when this visitor's app last looked
)

_mount = st.components.v2.component(
    "kobert_notices",
    js=POLL + Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


@st.fragment
def tell_ends() -> None:
    """Show a toast for each run that ended since the last look, and go on looking while any is active.

    What ended is forgotten only once its toast is on its way: the page that looks at the run learns of its
    end at the same moment, and its being drawn anew may end this look before.
    """
    with suppress(KobertDemoError):  # the page says what is wrong with the workspace
        runs = Runs(workspace())
        going_on: set[str] = st.session_state.setdefault(GOING_ON, set())
        now = active_runs(runs)
        if now:
            known = {
                "url": live_url(),
                "interval": 1000 * INTERVAL,
                "active": " ".join(sorted(now)),
            }
            _mount(key="notices", data=known, on_changed_change=lambda: None)
        for ended in going_on - now:
            with suppress(KobertDemoError):  # it may have been deleted already
                _tell(runs.get(ended))
            going_on.remove(ended)
        going_on |= now


def _tell(run: Run) -> None:
    look = STATUSES[run.status]
    text = f"**{plain(run.name)}** · {look.name.in_language(language())}"
    if run.macro_f1 is not None:
        text += " · " + t("macro-F1 {macro_f1}", macro_f1=f"{run.macro_f1:.3f}")
    st.toast(text, icon=f":material/{look.icon}:", duration="long")
