"""Two or more runs beside each other: settings, figures, curves, labels."""

import html
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import starmap
from string import ascii_uppercase

import pandas as pd
import streamlit as st

from kobert_demo.charts import PALETTE, percent
from kobert_demo.comparison import (
    AXES,
    Axis,
    Difference,
    accuracies,
    best_counts,
    curve,
    difference,
    f1_of_labels,
    macro_f1s,
    same_test_data,
    sorted_settings,
)
from kobert_demo.curves import Table
from kobert_demo.metrics import Counts
from kobert_demo.store import Run, RunStore
from kobert_demo.ui.elements import STATUSES, visitors_time
from kobert_demo.ui.live_chart import Points, Trace, live_chart, restart_live_charts
from kobert_demo.ui.run_facts import run_facts
from kobert_demo.ui.session import language, t

LETTERS = ascii_uppercase[: len(PALETTE)]  # what each run is called in charts and tables
KEY = (
    '<span style="display:inline-block;width:0.75em;height:0.75em;border-radius:50%;'
    'margin-right:0.6em;background:{}"></span><b>{}</b> · {} '
    '<span style="opacity:0.65;white-space:nowrap">{} · {}</span>'
)


def comparison_view(store: RunStore, runs: Sequence[Run]) -> None:
    """Compare runs; the first is what the others are held against."""
    counts = [best_counts(store, run) for run in runs]
    _who_is_who(runs)
    st.subheader(t("What differs"), anchor=False)
    _settings(runs)
    st.subheader(t("Figures"), anchor=False)
    _figures(runs, counts)
    st.subheader(t("Curves"), anchor=False)
    _curves(store, runs)
    st.subheader(t("F1 of each label"), anchor=False)
    _labels(runs, counts)


def _who_is_who(runs: Sequence[Run]) -> None:
    with st.container(border=True, gap="xxsmall"):
        for letter, colour, run in zip(LETTERS, PALETTE, runs, strict=False):
            when = f"{visitors_time(run.created_at):%Y-%m-%d %H:%M}"
            status = STATUSES[run.status].name.in_language(language())
            st.html(KEY.format(colour, letter, *map(html.escape, (run.name, when, status))))


def _settings(runs: Sequence[Run]) -> None:
    facts = [run_facts(run) for run in runs]
    for one in facts:
        del one[t("Run")]
    differing, same = sorted_settings(facts)
    if differing:
        st.dataframe(_facts_table(differing, facts), hide_index=True, placeholder="–")
    else:
        st.info(t("All settings and data are the same."), icon=":material/equal:")
    with st.expander(t("{count} settings are the same", count=len(same)), icon=":material/equal:"):
        st.dataframe(_facts_table(same, facts[:1]), hide_index=True, placeholder="–")


def _facts_table(names: Sequence[str], facts: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    heads = LETTERS[: len(facts)] if len(facts) > 1 else [t("Value")]
    values = {
        head: [one.get(name) for name in names] for head, one in zip(heads, facts, strict=True)
    }
    return pd.DataFrame({t("Setting"): names, **values})


def _figures(runs: Sequence[Run], counts: Sequence[Counts | None]) -> None:
    rows = []
    for letter, run, tested in zip(LETTERS, runs, counts, strict=False):
        row = {
            t("Run"): letter,
            t("Accuracy"): None if run.accuracy is None else percent(run.accuracy),
            t("Macro-F1"): None if run.macro_f1 is None else f"{run.macro_f1:.3f}",
            t("Test loss"): None if run.loss is None else f"{run.loss:.3f}",
            t("Test sentences"): None if tested is None else f"{tested.sum():,}",
        }
        if letter != LETTERS[0] and tested is not None and counts[0] is not None:
            better = difference(counts[0], tested, macro_f1s)
            row[t("Macro-F1 against A")] = (
                f"{better.value:+.3f} ({better.low:+.3f} … {better.high:+.3f})"
            )
            row[t("Meaning")] = _meaning(better)
            points = difference(counts[0], tested, accuracies)
            row[t("Accuracy against A, in points")] = (
                f"{100 * points.value:+.1f} ({100 * points.low:+.1f} … {100 * points.high:+.1f})"
            )
        rows.append(row)
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="–")
    if not same_test_data(runs):
        st.warning(
            t(
                "These runs were tested on different sentences: a difference may come from the sentences "
                "as much as from the models."
            ),
            icon=":material/balance:",
        )
    st.caption(
        t(
            "Figures of each run's best evaluation by macro-F1. In brackets the 95 % bootstrap interval: "
            "the test sentences of both runs are drawn anew, independently of each other, so it is "
            "wider than one of a comparison sentence by sentence. Where it holds 0, the difference may be "
            "chance."
        )
    )


def _meaning(better: Difference) -> str:
    if not better.clear:
        return t("may be chance")
    return t("clearly better") if better.value > 0 else t("clearly worse")


def _curves(store: RunStore, runs: Sequence[Run]) -> None:
    names = {"step": t("Step"), "epoch": t("Epoch"), "time": t("Seconds of training")}
    axis: Axis = st.segmented_control(
        t("Axis"),
        AXES,
        default=AXES[0],
        format_func=names.__getitem__,
        required=True,
        key="axis",
        label_visibility="collapsed",
        persist_state="session",
    )
    restart_live_charts()
    charts: tuple[tuple[str, str, Table, str], ...] = (
        ("train_loss", t("Train loss"), "steps", "loss"),
        ("test_loss", t("Test loss"), "evaluations", "loss"),
        ("test_accuracy", t("Test accuracy"), "evaluations", "accuracy"),
        ("macro_f1", t("Macro-F1"), "evaluations", "macro_f1"),
    )
    shape = f"{axis} {' '.join(run.run for run in runs)}"
    with st.grid(2, min_column_width=340, gap="medium"):
        for key, title, table, column in charts:
            live_chart(
                f"compared {key}",
                shape,
                [
                    Trace(
                        letter,
                        colour,
                        partial(_read, store, run, table, column, axis),
                        "lines" if table == "steps" else "lines+markers",
                    )
                    for letter, colour, run in zip(LETTERS, PALETTE, runs, strict=False)
                ],
                x_title=names[axis],
                y_title=title,
            )


def _read(
    store: RunStore, run: Run, table: Table, column: str, axis: Axis, _after: float
) -> Points:
    return curve(store, run, table, column, axis)


def _labels(runs: Sequence[Run], counts: Sequence[Counts | None]) -> None:
    figures = list(starmap(f1_of_labels, zip(runs, counts, strict=True)))
    labels = list(dict.fromkeys(label for one in figures for label in one))
    if not labels:
        st.info(t("None of these runs has been evaluated yet."), icon=":material/hourglass_empty:")
        return
    frame = pd.DataFrame(
        {
            t("Label"): labels,
            **{
                letter: pd.Series([one.get(label) for label in labels], dtype=float)
                for letter, one in zip(LETTERS, figures, strict=False)
            },
        }
    )
    against = {letter: f"{letter} − {LETTERS[0]}" for letter in LETTERS[1 : len(runs)]}
    for letter, name in against.items():
        frame[name] = frame[letter] - frame[LETTERS[0]]
    largest = frame[list(against.values())].abs().max(axis=1)
    column = st.column_config
    st.dataframe(
        frame.loc[largest.sort_values(ascending=False, na_position="last").index],
        hide_index=True,
        column_config={
            letter: column.ProgressColumn(format="%.3f", min_value=0, max_value=1, color=colour)
            for letter, colour in zip(LETTERS[: len(runs)], PALETTE, strict=False)
        }
        | {name: column.NumberColumn(format="%+.3f") for name in against.values()},
        placeholder="–",
    )
