"""What classifiers said of a set of sentences, beside each other and beside the time before."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from kobert_demo.charts import percent
from kobert_demo.trials import Answer, Trial, changes, latest, previous
from kobert_demo.ui.answer_view import clipped
from kobert_demo.ui.elements import plain, visitors_time
from kobert_demo.ui.opening_table import opening_table
from kobert_demo.ui.session import t

FIGURE_WIDTH = 230  # pixels at least
MOST_NAMED = 10  # labels
MARKS = {True: "✓", False: "✗", None: "–"}


def trial_view(trials: Sequence[Trial]) -> None:
    """Show the last trials of a set: how many passed, what passes no longer, and every answer."""
    now = latest(trials)
    if not now:
        return
    st.subheader(t("Results"), anchor=False)
    st.caption(f"{visitors_time(now[0].at):%Y-%m-%d %H:%M}")
    with st.grid(4, min_column_width=FIGURE_WIDTH, gap="xsmall"):
        for trial in now:
            _figure(trial, previous(trials, trial))
    _say_unknown(now)
    for trial in now:
        _regressions(trial, previous(trials, trial))
    _answers(now)


def _figure(trial: Trial, before: Trial | None) -> None:
    broken, mended = changes(before, trial) if before else ([], 0)
    st.metric(
        plain(trial.name),
        t("{passed} of {count} passed", passed=trial.passed, count=trial.judged),
        f"{mended - len(broken):+d}" if before and (broken or mended) else None,
        border=True,
    )


def _say_unknown(now: Sequence[Trial]) -> None:
    for trial in now:
        unknown = sorted({answer.expected for answer in trial.answers if answer.passed is None})
        if unknown:
            st.info(
                t(
                    "{model} does not know {labels}: such sentences neither pass nor fail.",
                    model=plain(trial.name),
                    labels=plain(", ".join(unknown[:MOST_NAMED])),
                ),
                icon=":material/help:",
            )


def _regressions(trial: Trial, before: Trial | None) -> None:
    """Say what passes no longer, and against what."""
    if before is None:
        return
    broken, _ = changes(before, trial)
    against = t(
        "{model}, {date}",
        model=plain(before.name),
        date=f"{visitors_time(before.at):%m-%d %H:%M}",
    )
    if not broken:
        st.caption(
            t("{model}: no regressions against {before}.", model=plain(trial.name), before=against)
        )
        return
    st.error(
        t(
            "{model}: {count} sentences passed before and fail now (against {before}).",
            model=plain(trial.name),
            count=len(broken),
            before=against,
        ),
        icon=":material/trending_down:",
    )
    st.dataframe(
        pd.DataFrame(
            {
                t("Expected"): [new.expected for _, new in broken],
                t("Before"): [_told(old) for old, _ in broken],
                t("Now"): [_told(new) for _, new in broken],
                t("Sentence"): [clipped(new.text) for _, new in broken],
            }
        ),
        hide_index=True,
        key=f"regressions {trial.classifier}",
    )


def _answers(now: Sequence[Trial]) -> None:
    """Show every sentence with each classifier's answer; a row opens with one that failed it."""
    failed_only = st.toggle(t("Only what failed"), key="only failed")
    rows = [
        answers
        for answers in zip(*(trial.answers for trial in now), strict=True)
        if not failed_only or any(answer.passed is False for answer in answers)
    ]
    if not rows:
        st.success(t("Every sentence passed."), icon=":material/check_circle:")
        return
    opens = [
        next((trial for trial, one in zip(now, row, strict=True) if one.passed is False), now[0])
        for row in rows
    ]
    names = _distinct([trial.name for trial in now])
    opening_table(
        [row[0].text for row in rows],
        [trial.classifier for trial in opens],
        {"expected": [row[0].expected for row in rows]}
        | {str(place): [_told(row[place]) for row in rows] for place in range(len(now))},
        {"expected": st.column_config.TextColumn(t("Expected"))}
        | {str(place): st.column_config.TextColumn(name) for place, name in enumerate(names)},
        f"trial {now[0].at} {failed_only}",
    )
    st.caption(
        t(
            "✓ as expected, ✗ another emotion, – the model does not know the expected one. The arrow "
            "opens a sentence with the first model that failed it."
        )
    )


def _told(answer: Answer) -> str:
    return f"{MARKS[answer.passed]} {answer.label} {percent(answer.confidence)}"


def _distinct(names: Sequence[str]) -> list[str]:
    count = Counter(names)
    return [
        name if count[name] == 1 else f"{name} ({place})" for place, name in enumerate(names, 1)
    ]
