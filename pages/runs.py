"""Every run: find it, follow the queue, compare, describe and delete."""

import streamlit as st

from kobert_demo.runs import Runs
from kobert_demo.ui.elements import empty_state, page_header, say_errors
from kobert_demo.ui.queue_view import queue_view
from kobert_demo.ui.run_actions import run_actions
from kobert_demo.ui.run_table import run_table, search_form
from kobert_demo.ui.session import t, workspace

TICK = 5  # seconds until the table is looked at anew while a run is active


def listing(runs: Runs) -> None:
    """Show the runs that are looked for, and what can be done with those that are selected."""
    with say_errors():
        known = runs.list()
    found = search_form(known)
    counted = {"found": f"{len(found):,}", "count": f"{len(known):,}"}
    if not found:
        st.info(
            t("None of the {count} runs is like that: search for less.", **counted),
            icon=":material/search_off:",
        )
        return
    actions = st.container()
    selected = run_table(runs.store, found)
    st.caption(t("{found} of {count} runs", **counted))
    with actions:
        run_actions(runs, selected, known)


page_header(
    t("Runs"),
    t("Everything that was trained here. Find it, compare it, and keep what is worth keeping."),
    "list_alt",
)
runs = Runs(workspace())
with say_errors():
    if not runs.list():
        empty_state(
            t("Nothing was trained yet. Start a run, and it will be listed here."),
            "pages/training.py",
            t("Train a model"),
        )
        st.stop()
    with st.container():  # also where the queue is empty: what stands below keeps its place
        active = queue_view(runs)
    st.fragment(listing, run_every=TICK if active else None)(runs)
