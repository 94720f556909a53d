"""All runs in a table: searched, filtered, sorted, selected."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pandas as pd
import streamlit as st

from kobert_demo.language import duration
from kobert_demo.run_search import ORDERS, Search, data_of, found, model_of, run_seconds
from kobert_demo.store import Run, RunStore
from kobert_demo.ui.elements import STATUSES, visitors_time
from kobert_demo.ui.session import language, t

MOST_ROWS, HEIGHT = 15, 560  # rows before the table scrolls, and how high it is then, in pixels


def search_form(known: Sequence[Run]) -> list[Run]:
    """Ask what to look for and in which order; return the runs that are found."""
    names = {
        "newest": t("Newest first"),
        "macro_f1": t("Best macro-F1 first"),
        "accuracy": t("Best accuracy first"),
        "longest": t("Longest-running first"),
        "name": t("By name"),
    }
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        words = st.text_input(
            t("Search"),
            key="search",
            type="search",
            live=True,
            icon=":material/search:",
            placeholder=t("Name, model, data, tag, note"),
            label_visibility="collapsed",
            persist_state="session",
        )
        with st.popover(t("Filter"), icon=":material/filter_list:", key="filter"):
            search = _filters(known, words or "")
        order = st.selectbox(
            t("Order"),
            list(ORDERS),
            format_func=names.__getitem__,
            key="order",
            label_visibility="collapsed",
            width=210,
            persist_state="session",
        )
    return found(known, search, order)


def _filters(known: Sequence[Run], words: str) -> Search:
    spoken = language()
    statuses = st.pills(
        t("Status"),
        [status for status in STATUSES if any(run.status == status for run in known)],
        selection_mode="multi",
        format_func=lambda status: STATUSES[status].name.in_language(spoken),
        key="statuses",
        persist_state="session",
    )
    models, tags = (
        st.multiselect(label, options, key=key, placeholder=t("All"), persist_state="session")
        for label, options, key in (
            (t("Model"), sorted({model_of(run) for run in known}), "models"),
            (t("Tags"), sorted({tag for run in known for tag in run.tags}), "tags"),
        )
    )
    return Search(words, frozenset(statuses), frozenset(models), frozenset(tags))


def run_table(store: RunStore, runs: Sequence[Run]) -> list[Run]:
    """Show runs and return those that are selected, in the order of the table."""
    chosen = st.dataframe(
        _frame(store, runs),
        hide_index=True,
        height="content" if len(runs) <= MOST_ROWS else HEIGHT,
        column_config=_columns(),
        on_select="rerun",
        selection_mode="multi-row",
        key=table_key(runs),
        placeholder="–",
    )
    return [runs[row] for row in chosen["selection"]["rows"] if row < len(runs)]


def table_key(runs: Sequence[Run]) -> str:
    """Return the table's key: rows are selected by number, so other rows are another table."""
    return f"runs {sha256(' '.join(run.run for run in runs).encode()).hexdigest()}"


def _frame(store: RunStore, runs: Sequence[Run]) -> pd.DataFrame:
    spoken, lines = language(), store.sparklines(runs)
    seconds = [run_seconds(run) for run in runs]
    return pd.DataFrame(
        {
            t("Run"): [run.name for run in runs],
            t("Status"): [[STATUSES[run.status].name.in_language(spoken)] for run in runs],
            t("Progress"): [100 * run.step / run.steps if run.steps else None for run in runs],
            t("Macro-F1"): [run.macro_f1 for run in runs],
            t("Accuracy"): [None if run.accuracy is None else 100 * run.accuracy for run in runs],
            t("Train loss"): [lines[run.run] for run in runs],
            t("Duration"): [duration(time, language()) if time else "–" for time in seconds],
            t("Model"): [model_of(run) for run in runs],
            t("Data"): [data_of(run) for run in runs],
            t("Tags"): [list(run.tags) for run in runs],
            t("Note"): [run.note for run in runs],
            t("Launched"): [f"{visitors_time(run.created_at):%Y-%m-%d %H:%M}" for run in runs],
        }
    )


def _columns() -> dict[str, Any]:
    column, spoken = st.column_config, language()
    return {
        t("Run"): column.TextColumn(width=190),
        t("Status"): column.MultiselectColumn(
            options=[look.name.in_language(spoken) for look in STATUSES.values()],
            color=[look.colour for look in STATUSES.values()],
            width=90,
        ),
        t("Progress"): column.ProgressColumn(format="%.0f%%", width=110),
        t("Macro-F1"): column.NumberColumn(format="%.3f", width=80),
        t("Accuracy"): column.NumberColumn(format="%.1f%%", width=80),
        t("Train loss"): column.LineChartColumn(width=110),
        t("Duration"): column.TextColumn(width=95),
        t("Model"): column.TextColumn(width=110),
        t("Data"): column.TextColumn(width=160),
        t("Tags"): column.ListColumn(width=120),
        t("Note"): column.TextColumn(width=180),
        t("Launched"): column.TextColumn(width=125),
    }
