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
    ahead,
    best_counts,
    curve,
    f1_of_labels,
    same_test_data,
    sorted_settings,
)
from kobert_demo.curves import Table
from kobert_demo.evaluation.figures import Estimate
from kobert_demo.metrics import Counts
from kobert_demo.runs import Runs
from kobert_demo.store import Run, RunStore
from kobert_demo.ui.elements import STATUSES, say_errors, visitors_time
from kobert_demo.ui.live_chart import Points, Trace, live_chart, restart_live_charts
from kobert_demo.ui.run_facts import run_facts
from kobert_demo.ui.session import language, t

TICK = 2  # seconds
LETTERS = ascii_uppercase[: len(PALETTE)]  # what each run is called in charts and tables
KEY = (
    '<span style="display:inline-block;width:0.75em;height:0.75em;border-radius:50%;'
    'margin-right:0.6em;background:{}"></span><b>{}</b> · {} '
    '<span style="opacity:0.65;white-space:nowrap">{} · {}</span>'
)


def comparison_view(runs: Runs, chosen: Sequence[str]) -> None:
    """Compare runs; the first is what the others are held against.

    While one of them is active, all are looked at anew every `TICK` seconds.

    Raises:
        RunError: one of them is gone.
    """
    restart_live_charts()
    active = sum(runs.get(run).active for run in chosen)
    st.fragment(_look, run_every=TICK if active else None)(runs, chosen, active)


def _look(runs: Runs, chosen: Sequence[str], active: int) -> None:
    with say_errors():  # somebody may have deleted one meanwhile
        compared = [runs.get(run) for run in chosen]
    if active and not any(run.active for run in compared):
        st.rerun()
    counts = [best_counts(runs.store, run) for run in compared]
    _who_is_who(compared)
    st.subheader(t("What differs"), anchor=False)
    _settings(compared)
    st.subheader(t("Figures"), anchor=False)
    _figures(runs, compared, counts)
    st.subheader(t("Curves"), anchor=False)
    _curves(runs.store, compared)
    st.subheader(t("F1 of each label"), anchor=False)
    _labels(compared, counts)


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


def _figures(runs: Runs, compared: Sequence[Run], counts: Sequence[Counts | None]) -> None:
    rows, paired = [], set()
    first = compared[0]
    for letter, run, tested in zip(LETTERS, compared, counts, strict=False):
        row = {
            t("Run"): letter,
            t("Accuracy"): None if run.accuracy is None else percent(run.accuracy),
            t("Macro-F1"): None if run.macro_f1 is None else f"{run.macro_f1:.3f}",
            t("Test loss"): None if run.loss is None else f"{run.loss:.3f}",
            t("Test sentences"): None if tested is None else f"{tested.sum():,}",
        }
        if run is not first and tested is not None and counts[0] is not None:
            against = ahead(runs, first, run, (counts[0], tested))
            paired.add(against.paired)
            better, points = against.figures.macro_f1, against.figures.accuracy
            row[t("Macro-F1 against A")] = (
                f"{better.value:+.3f} ({better.low:+.3f} … {better.high:+.3f})"
            )
            row[t("Meaning")] = _meaning(better)
            row[t("Accuracy against A, in points")] = (
                f"{100 * points.value:+.1f} ({100 * points.low:+.1f} … {100 * points.high:+.1f})"
            )
        rows.append(row)
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="–")
    if not same_test_data(compared):
        st.warning(
            t(
                "These runs were tested on different sentences: a difference may come from the sentences "
                "as much as from the models."
            ),
            icon=":material/balance:",
        )
    st.caption(
        " ".join(
            [
                t(
                    "Figures of each run's best evaluation by macro-F1. In brackets the 95 % bootstrap "
                    "interval; where it holds 0, the difference may be chance."
                ),
                *map(_how_resampled, sorted(paired)),
            ]
        )
    )


def _how_resampled(paired: bool) -> str:
    if paired:
        return t("It is paired: both runs are held to the same resampled test sentences.")
    return t(
        "Where two runs have not answered the same test sentences, or were trained before their answers "
        "were kept, each is resampled on its own, and the interval is wider."
    )


def _meaning(better: Estimate) -> str:
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


def _read(store: RunStore, run: Run, table: Table, column: str, axis: Axis, after: float) -> Points:
    return curve(store, run, table, column, axis, after)


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
