"""One run as its record and the store tell it: live while it trains, still when it has ended."""

from contextlib import suppress
from functools import partial

import pandas as pd
import streamlit as st

from kobert_demo.charts import PALETTE
from kobert_demo.config import SETTINGS
from kobert_demo.curves import MOST_POINTS
from kobert_demo.errors import ModelError
from kobert_demo.live import CHARTS
from kobert_demo.model_files import find_model
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from kobert_demo.ui.elements import plain, say_errors, status_badge
from kobert_demo.ui.live_chart import Trace, live_chart, restart_live_charts
from kobert_demo.ui.live_run import live_run
from kobert_demo.ui.run_facts import run_facts
from kobert_demo.ui.session import language, t, workspace
from kobert_demo.ui.system_view import system_view
from kobert_demo.ui.take_away import take_away
from kobert_demo.ui.verdict_view import verdict_view
from kobert_demo.verify import verdict_of

CHART_WIDTH = 340  # pixels, at least
TRAIN_COLOUR, TEST_COLOUR, F1_COLOUR = PALETTE[0], PALETTE[1], PALETTE[2]


def run_view(runs: Runs, run: str, *, leads: bool) -> None:
    """Show a run; while it is active, its progress, figures and curves follow it (`live_run`).

    Args:
        leads: whether the way on from here is the page's main button.

    Raises:
        RunError: there is no such run.
    """
    restart_live_charts()
    shown = runs.get(run)
    _heading(runs, shown)
    _say_notice(shown)
    _outcome(runs, shown, leads)
    live_run(runs, shown)
    if shown.step:
        _curves(runs, shown)
    system_view(runs.store, shown)
    _say_what_was_proven(shown)
    _frozen_facts(shown)


# The keys of buttons hold the run's id: where it was deleted meanwhile and the page shows another one, a
# press must not fall on that.
def _heading(runs: Runs, run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {plain(run.name)} {status_badge(run.status)}")
        if run.active:
            st.space("stretch")
            stopping = run.stop_requested
            label = t("Stopping …") if stopping else t("Stop")
            if st.button(
                label, icon=":material/stop_circle:", key=f"stop {run.run}", disabled=stopping
            ):
                with say_errors():  # it may have ended just now
                    runs.stop(run.run)
                st.rerun()
        elif run.status in ("stopped", "failed", "lost"):
            st.space("stretch")
            if st.button(
                t("Resume"),
                icon=":material/resume:",
                key=f"resume {run.run}",
                help=t("Goes on from the last checkpoint as if nothing had come between."),
            ):
                with say_errors():
                    runs.resume(run.run)
                    st.rerun()


def _say_notice(run: Run) -> None:
    if run.notice:
        st.warning(plain(run.notice.in_language(language())), icon=":material/lan:")
    elif run.status == "queued":
        _say_place(run)


def _say_place(run: Run) -> None:
    st.info(
        t("Another run is training. This one waits for its turn: place {place}.", place=run.waiting)
        if run.waiting > 1 or not run.pid
        else t("This run starts as soon as the device is free: place {place}.", place=run.waiting),
        icon=":material/schedule:",
    )


def _outcome(runs: Runs, run: Run, leads: bool) -> None:
    """Say how the run ended and what to do next."""
    if run.error:
        st.error(plain(run.error.in_language(language())), icon=":material/error:")
    elif run.status == "finished" and run.step < run.steps:
        st.info(
            t(
                "The run ended early: macro-F1 had not risen in {count} evaluations.",
                count=run.record["config"]["patience"],
            ),
            icon=":material/flag:",
        )
    elif run.status == "stopped" and run.bundle is None:
        st.warning(
            t("The run was stopped before its first evaluation, so there is no model to keep."),
            icon=":material/stop_circle:",
        )
    if run.status in ("failed", "lost"):
        st.caption(t("The last lines of its log"))
        st.code(runs.log(run.run) or "-", language=None)
    if not run.active and run.bundle:
        if run.accuracy is not None and run.accuracy <= run.record["data"]["majority"]:
            st.warning(
                t(
                    "This model does no better than always answering the commonest label: try more "
                    "epochs or a higher learning rate."
                ),
                icon=":material/trending_flat:",
            )
        with st.container(horizontal=True):
            if st.button(
                t("Classify with the best model of this run"),
                icon=":material/arrow_forward:",
                icon_position="right",
                type="primary" if leads else "secondary",
                key="to_classification",
            ):
                st.switch_page("pages/classification.py", query_params={"classifier": run.run})
            if st.button(t("Evaluate it"), icon=":material/fact_check:", key="to_evaluation"):
                st.switch_page("pages/evaluation.py", query_params={"evaluated": run.run})
            take_away(runs, run.run)
            if "data" in run.record:
                _offer_further(runs, run)


def _offer_further(runs: Runs, run: Run) -> None:
    with st.popover(t("Train further"), icon=":material/fast_forward:"):
        st.caption(
            t("A new run begins with the best model of this one, on the same data and settings.")
        )
        epochs = st.number_input(
            t("Epochs"), 1, int(SETTINGS["epochs"].highest), value=2, key=f"epochs {run.run}"
        )
        if st.button(t("Start"), type="primary", key=f"further {run.run}"):
            with say_errors():
                name = t("{name}, further", name=run.name)
                st.session_state["launched"] = runs.train_further(run.run, int(epochs), name)
                st.rerun()


def _curves(runs: Runs, run: Run) -> None:
    loss, accuracy = (
        [partial(runs.store.curve, run.run, *line, most=MOST_POINTS) for line in CHARTS[chart]]
        for chart in ("loss", "accuracy")
    )
    with st.grid(2, min_column_width=CHART_WIDTH, gap="medium"):
        live_chart(
            "loss",
            run.run,
            [
                Trace(t("Train loss"), TRAIN_COLOUR, loss[0]),
                Trace(t("Test loss"), TEST_COLOUR, loss[1], "lines+markers"),
            ],
            x_title=t("Step"),
            y_title=t("Loss"),
        )
        live_chart(
            "accuracy",
            run.run,
            [
                Trace(t("Train accuracy"), TRAIN_COLOUR, accuracy[0]),
                Trace(t("Test accuracy"), TEST_COLOUR, accuracy[1], "lines+markers"),
                Trace(t("Macro-F1"), F1_COLOUR, accuracy[2], "lines+markers"),
            ],
            x_title=t("Step"),
            y_title=t("Accuracy"),
            levels={t("Commonest label"): run.record["data"]["majority"]},
            y_range=(0, 1),
        )


def _say_what_was_proven(run: Run) -> None:
    """Show the verdict on the model that was trained, where there is one that says something."""
    with suppress(ModelError):  # its files may be gone
        verdict = verdict_of(find_model(run.record["weights"]), workspace())
        if verdict and (verdict.kobert is not None or not verdict.passed):
            verdict_view(verdict)


def _frozen_facts(run: Run) -> None:
    """Show what was frozen into the run when it was launched."""
    with st.expander(t("What this run trains with"), icon=":material/lock:"):
        st.caption(t("Frozen at launch; the form of a new run does not change it."))
        facts = run_facts(run)
        frame = pd.DataFrame({t("Setting"): list(facts), t("Value"): list(facts.values())})
        st.dataframe(frame, hide_index=True)
