"""A word, wherever the visitor is in the app, when a run has ended."""

from contextlib import suppress

import streamlit as st

from kobert_demo.errors import KobertDemoError
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from kobert_demo.ui.elements import STATUSES, plain
from kobert_demo.ui.session import language, t, workspace

TICK = 5  # seconds; whoever looks at the run itself learns of its end within one
GOING_ON = (
    "runs going on"  # the ids that were waiting or training when this visitor's app last looked
)


def tell_ends() -> None:
    """Show a toast for each run that ended since the last look, and go on looking while any is active."""
    with suppress(KobertDemoError):  # the page says what is wrong with the workspace
        active = Runs(workspace()).store.active()
        st.fragment(_look, run_every=TICK if active else None)()


def _look() -> None:
    runs = Runs(workspace())
    before: set[str] = st.session_state.get(GOING_ON, set())
    with suppress(KobertDemoError):
        now = {run for run in runs.store.active() if runs.get(run).active}
        st.session_state[GOING_ON] = now
    for ended in before - st.session_state.get(GOING_ON, set()):
        with suppress(KobertDemoError):  # it may have been deleted already
            _tell(runs.get(ended))


def _tell(run: Run) -> None:
    look = STATUSES[run.status]
    text = f"**{plain(run.name)}** · {look.name.in_language(language())}"
    if run.macro_f1 is not None:
        text += " · " + t("macro-F1 {macro_f1}", macro_f1=f"{run.macro_f1:.3f}")
    st.toast(text, icon=f":material/{look.icon}:", duration="long")
