"""Precision, recall, F1 and support of each label, and their course while the run trained."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from kobert_demo.charts import label_colours
from kobert_demo.evaluation.figures import LabelFigures, label_figures
from kobert_demo.evaluation.summary import Summary
from kobert_demo.evaluation_charts import course
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from kobert_demo.ui.session import t

FIRST_SHOWN, MOST_CURVES = 5, 12
ROW_PIXELS, MOST_ROWS = 35, 16


def course_of(runs: Runs, run: Run) -> list[tuple[float, LabelFigures]]:
    """Return for each evaluation while a run trained the epochs done and the figures of each label."""
    each = run.record["config"]["epochs"] / max(run.steps, 1)
    return [
        (row["step"] * each, label_figures(np.array(row["confusion"])))
        for row in runs.store.evaluations(run.run)
    ]


def label_table(summary: Summary) -> None:
    """Show the figures of each label; the table can be sorted and searched."""
    of = summary.labels
    frame = pd.DataFrame(
        {
            "label": summary.scored.data.labels,
            "precision": of.precision,
            "recall": of.recall,
            "f1": of.f1,
            "support": of.support,
        }
    )

    bar = partial(st.column_config.ProgressColumn, format="%.3f", min_value=0, max_value=1)
    st.dataframe(
        frame,
        hide_index=True,
        height="content" if len(frame) <= MOST_ROWS else ROW_PIXELS * (MOST_ROWS + 1),
        column_config={
            "label": st.column_config.TextColumn(t("Label"), pinned=True),
            "precision": bar(t("Precision")),
            "recall": bar(t("Recall")),
            "f1": bar("F1"),
            "support": st.column_config.NumberColumn(t("Sentences"), format="localized"),
        },
        key="label figures",
    )


@st.fragment
def label_course(summary: Summary, past: list[tuple[float, LabelFigures]], run: str) -> None:
    """Show how the figures of some labels went over the epochs, on the run's own test data."""
    if not past:
        return
    labels, colours = summary.scored.data.labels, label_colours(summary.scored.data.labels)
    support = past[-1][1].support
    weakest = [
        place for place in np.argsort(past[-1][1].f1, kind="stable").tolist() if support[place]
    ]
    names = {"f1": "F1", "precision": t("Precision"), "recall": t("Recall")}
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    shown = left.multiselect(
        t("Labels over the epochs"),
        labels,
        default=[labels[place] for place in sorted(weakest[:FIRST_SHOWN])],
        max_selections=MOST_CURVES,
        key=f"course {run}",
        placeholder=t("Choose labels"),
    )
    figure = right.segmented_control(
        t("Figure"),
        list(names),
        format_func=names.__getitem__,
        default="f1",
        required=True,
        key="course figure",
        label_visibility="collapsed",
    )
    curves = {
        label: [float(getattr(of, figure or "f1")[labels.index(label)]) for _, of in past]
        for label in shown
    }
    if curves:
        st.plotly_chart(
            course(
                [epoch for epoch, _ in past],
                curves,
                colours,
                x_title=t("Epoch"),
                y_title=names[figure or "f1"],
            ),
            config={"displayModeBar": False},
            alt=t("The figures of each label over the epochs"),
        )
    st.caption(t("As measured on the test data of the run while it trained."))
