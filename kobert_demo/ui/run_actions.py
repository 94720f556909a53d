"""What can be done with the runs that are selected."""

from collections.abc import Iterable, Sequence

import streamlit as st

from kobert_demo.charts import PALETTE
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from kobert_demo.ui.elements import plain, say_errors
from kobert_demo.ui.session import t

NAMED = 5  # runs whose names are told before they are deleted
LONGEST_NAME, LONGEST_NOTE = 200, 2_000  # characters


def run_actions(runs: Runs, selected: Sequence[Run], known: Iterable[Run]) -> None:
    """Offer to open, compare, describe and delete the selected runs.

    Args:
        known: all runs, whose tags are offered.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="actions"):
        if not selected:
            st.caption(
                t("Select a run to open, describe or delete it, and two or more to compare them.")
            )
            return
        st.markdown(t("{count} selected", count=len(selected)), width="content")
        if len(selected) == 1:
            _open(selected[0])
            _describe(runs, selected[0], known)
        else:
            _compare(selected)
        _delete(runs, selected)


def _open(run: Run) -> None:
    if st.button(t("Open"), icon=":material/open_in_full:", type="primary", key="open"):
        st.switch_page("pages/training.py", query_params={"run": run.run})


def _compare(selected: Sequence[Run]) -> None:
    if st.button(
        t("Compare"),
        icon=":material/compare_arrows:",
        type="primary",
        key="compare",
        disabled=len(selected) > len(PALETTE),
        help=t("Up to {most} runs.", most=len(PALETTE)),
    ):
        ids = ",".join(run.run for run in selected)
        st.switch_page("pages/compare.py", query_params={"runs": ids})


def _describe(runs: Runs, run: Run, known: Iterable[Run]) -> None:
    with (
        st.popover(t("Name, tags, note"), icon=":material/edit:", key="describe"),
        st.form(f"describe {run.run}", border=False),
    ):
        name = st.text_input(t("Name"), run.name, max_chars=LONGEST_NAME, key=f"name {run.run}")
        tags = st.multiselect(
            t("Tags"),
            sorted({tag for one in known for tag in one.tags}),
            run.tags,
            accept_new_options=True,
            placeholder=t("Choose or type tags"),
            key=f"tags {run.run}",
        )
        note = st.text_area(t("Note"), run.note, max_chars=LONGEST_NOTE, key=f"note {run.run}")
        if st.form_submit_button(t("Save"), type="primary", icon=":material/check:", key="save"):
            with say_errors():
                runs.describe(run.run, name or "", tags, note or "")
            st.rerun()


def _delete(runs: Runs, selected: Sequence[Run]) -> None:
    with st.popover(t("Delete"), icon=":material/delete:", key="delete"):
        going_on = [run for run in selected if run.active]
        if going_on:
            st.warning(
                t("{name} is still going on: stop it first.", name=plain(going_on[0].name)),
                icon=":material/lock:",
            )
            return
        st.markdown(
            t("This removes the run, its curves and its model from the disk for good:")
            if len(selected) == 1
            else t(
                "This removes {count} runs, their curves and their models from the disk for good:",
                count=len(selected),
            )
        )
        for run in selected[:NAMED]:
            st.text(run.name)
        if len(selected) > NAMED:
            st.text(f"+ {len(selected) - NAMED}")
        if st.button(
            t("Delete for good"), type="primary", icon=":material/delete:", key="delete for good"
        ):
            with say_errors():
                for run in selected:
                    runs.delete(run.run)
            st.rerun()
