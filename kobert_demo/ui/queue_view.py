"""The run that trains and those that wait for the device, with what can be done to each."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from kobert_demo.errors import RunError
from kobert_demo.language import duration
from kobert_demo.run_search import run_seconds
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from kobert_demo.ui.elements import plain, say_errors, status_badge
from kobert_demo.ui.session import language, t

TICK = 1  # seconds


def queue_view(runs: Runs) -> bool:
    """Show what goes on, looked at anew every second; say whether anything does."""
    active = _active(runs)
    if active:
        shown = [(run.run, run.status) for run in active]
        st.fragment(_look, run_every=TICK)(runs, shown)
    return bool(active)


def _active(runs: Runs) -> list[Run]:
    """Return the run that trains, then those that wait, in their order."""
    checked = map(runs.get, runs.store.active())
    return sorted((run for run in checked if run.active), key=lambda run: run.waiting)


def _look(runs: Runs, shown: Sequence[tuple[str, str]]) -> None:
    with say_errors():
        active = _active(runs)
    if {*shown} != {(run.run, run.status) for run in active}:
        st.rerun()  # the table below shows it too
    with st.container(border=True, gap="small", key="queue"):
        st.markdown(f"**{t('Queue')}**")
        for run in active:
            if run.waiting:
                _waiting(runs, run, [other for other in active if _share_queue(run, other)])
            else:
                _running(runs, run)


def _share_queue(run: Run, other: Run) -> bool:
    return bool(other.waiting) and (run.host, run.queue) == (other.host, other.queue)


def _running(runs: Runs, run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{status_badge(run.status)} {plain(run.name)}", width="stretch")
        _stop(runs, run, t("Stop"))
    text = t("Loading the model and the data …")
    if run.step:
        left = duration(run_seconds(run) / run.step * (run.steps - run.step), language())
        counts = t("Step {step} of {steps}", step=f"{run.step:,}", steps=f"{run.steps:,}")
        text = f"{counts} · {t('about {left} left', left=left)}"
    st.progress(run.step / run.steps, text=text)


def _waiting(runs: Runs, run: Run, waiting: Sequence[Run]) -> None:
    index = waiting.index(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f":gray[{index + 1}] {plain(run.name)}", width="stretch")
        for step, icon, label in (
            (-1, "arrow_upward", t("Earlier")),
            (1, "arrow_downward", t("Later")),
        ):
            other = waiting[index + step].run if 0 <= index + step < len(waiting) else None
            st.button(
                "",
                icon=f":material/{icon}:",
                help=label,
                disabled=other is None,
                on_click=_swap,
                args=(runs, run.run, other),
                key=f"move {step} {run.run}",
            )
        _stop(runs, run, t("Cancel"))
    if run.notice:
        st.caption(plain(run.notice.in_language(language())))


def _swap(runs: Runs, run: str, other: str) -> None:
    runs.store.swap(run, other)


def _stop(runs: Runs, run: Run, label: str) -> None:
    st.button(
        t("Stopping …") if run.stop_requested else label,
        icon=":material/stop_circle:" if run.status == "running" else ":material/close:",
        disabled=run.stop_requested,
        on_click=_ask_to_stop,
        args=(runs, run.run),
        key=f"stop {run.run}",
    )


def _ask_to_stop(runs: Runs, run: str) -> None:
    with suppress(RunError):  # it has ended just now
        runs.stop(run)
