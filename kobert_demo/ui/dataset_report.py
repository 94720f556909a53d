"""The pre-flight report: what is in the data, and what to know before anything trains on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from kobert_demo.charts import label_colours, label_counts, length_histogram, percent
from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import Dataset, Problem
from kobert_demo.encoded_store import encode_dataset
from kobert_demo.encoding import Vocabulary
from kobert_demo.language import Language
from kobert_demo.model_files import built_in_models, find_model
from kobert_demo.preflight import Report, inspect, share_cut, unreadable
from kobert_demo.ui.dataset_source import Progress, leaks, once, result_slot
from kobert_demo.ui.elements import plain
from kobert_demo.ui.session import language, t, workspace
from kobert_demo.vocabularies import read_vocabulary

MOST_LEAKED = 0.5  # share of the test sentences past which the test says little
SHOWN_PROBLEMS = 1_000
SHOWN_LABELS = 20
ROWS_A_TICK = 2**13  # of the progress bar


@dataclass(frozen=True, eq=False)
class Halves:
    """What a run would train on and test with; `second` is a test file's own data, if there is one."""

    train: Dataset
    test: Dataset
    second: Dataset | None
    fraction: float
    seed: int


def report_view(dataset: Dataset, halves: Halves) -> None:
    """Show everything that is known of the data before training.

    Raises:
        ModelError: the vocabulary chosen cannot be loaded.
        ConfigError: the maximum length is out of its limits.
    """
    _say_usable(dataset, halves)
    vocabulary, max_length = _reader_form()
    report = _inspected(dataset, vocabulary)
    leaked, sentences = leaks(halves.train, halves.test)
    _warn_of_unknown(report)
    _warn_of_leaks(leaked / sentences)
    _warn_of_untested(halves)
    _show_numbers(report, leaked, max_length)
    _show_charts(report, max_length)


def _say_usable(dataset: Dataset, halves: Halves) -> None:
    for title, data in ((t("Data"), dataset), (t("Test file"), halves.second and halves.test)):
        if data is None:
            continue
        unusable = data.rows - len(data)
        if not unusable:
            said = t("{title}: all {rows} rows can be used.", title=title, rows=f"{data.rows:,}")
            st.markdown(f":green[:material/check_circle:] {said}")
            continue
        st.warning(
            t(
                "{title}: {usable} of {rows} rows can be used, {unusable} cannot.",
                title=title,
                usable=f"{len(data):,}",
                rows=f"{data.rows:,}",
                unusable=f"{unusable:,}",
            ),
            icon=":material/rule:",
        )
        _show_problems(data.problems, title)


def _show_problems(problems: tuple[Problem, ...], title: str) -> None:
    shown, spoken = problems[:SHOWN_PROBLEMS], language()
    with st.expander(t("Every row that cannot be used, and why"), True, icon=":material/list:"):
        st.dataframe(
            pd.DataFrame(
                {
                    t("Line"): [problem.line for problem in shown],
                    t("Reason"): [problem.message.in_language(spoken) for problem in shown],
                }
            ),
            hide_index=True,
            height="auto" if len(shown) < 7 else 248,
            column_config={
                t("Line"): st.column_config.NumberColumn(width=80),
                t("Reason"): st.column_config.TextColumn(width=720),
            },
        )
        if len(shown) < len(problems):
            st.caption(t("The first {count} are shown; the file has all.", count=f"{len(shown):,}"))
        st.download_button(
            t("Download as CSV"),
            lambda: _as_csv(problems, spoken),
            "unusable-rows.csv",
            "text/csv",
            key=f"download {title}",
            icon=":material/download:",
            on_click="ignore",
        )


def _as_csv(problems: tuple[Problem, ...], spoken: Language) -> bytes:
    """Return the problems as a CSV file that Excel opens with its Korean intact."""
    frame = pd.DataFrame(
        {
            "line": [problem.line for problem in problems],
            "reason": [problem.message.in_language(spoken) for problem in problems],
        }
    )
    return frame.to_csv(index=False).encode("utf-8-sig")


def _reader_form() -> tuple[Vocabulary, int]:
    """Ask which model will read the sentences, and how much of each."""
    left, right = st.columns(2, wrap=False)
    model = left.selectbox(
        t("Vocabulary of the model"),
        [name for name in built_in_models() if name == TrainingConfig.model],
        key="vocabulary",
        accept_new_options=True,
        persist_state="session",
        help=t(
            "The model that will be trained: a built-in one, or the path of a directory in Hugging "
            "Face format."
        ),
    )
    given = right.number_input(
        t("Maximum length"),
        value=TrainingConfig.max_length,
        step=8,
        key="length limit",
        on_change=_carry_max_length,
        persist_state="session",
        help=t("How many pieces of a sentence the model reads, [CLS] and [SEP] included."),
    )
    # The field has no limits of its own, which it would keep to itself: this says what is wrong.
    max_length = TrainingConfig(
        max_length=TrainingConfig.max_length if given is None else given
    ).max_length
    return read_vocabulary(find_model(model).vocabulary), max_length


def _carry_max_length() -> None:
    """Let the training form begin with the length that was chosen here last."""
    given, changed = (
        st.session_state["length limit"],
        st.session_state.get("changed settings", set()),
    )
    if given is None:
        st.session_state.pop("setting_max_length", None)
        st.session_state["changed settings"] = changed - {"max_length"}
    else:
        st.session_state["setting_max_length"] = float(given)
        st.session_state["changed settings"] = changed | {"max_length"}


def _inspected(dataset: Dataset, vocabulary: Vocabulary) -> Report:
    def look(show: Progress) -> Report:
        def telling(texts: Sequence[str]) -> Iterator[str]:
            for row, text in enumerate(texts):
                if not row % ROWS_A_TICK:
                    show(row / len(texts))
                yield text

        encoded = encode_dataset(dataset, vocabulary, workspace(), telling)
        return inspect(dataset, encoded, vocabulary, TrainingConfig.max_length)

    return once(
        result_slot("report", dataset.id, vocabulary.sha256),
        look,
        t("Looking at the sentences …"),
        100 * len(dataset),
    )


def _warn_of_unknown(report: Report) -> None:
    if warning := unreadable(report.unk_rate):
        st.error(
            warning.in_language(language()),
            title=t("Do not train on this yet"),
            icon=":material/warning:",
        )


def _warn_of_leaks(share: float) -> None:
    if share > MOST_LEAKED:
        st.warning(
            t(
                "{share} of the test sentences are training sentences too: this test says little about "
                "new sentences. Choose other test data.",
                share=percent(share),
            ),
            icon=":material/content_copy:",
        )


def _warn_of_untested(halves: Halves) -> None:
    tested = halves.test.counts()
    missing = [label for label in halves.train.labels if not tested.get(label)]
    if missing:
        st.warning(
            t(
                "No test sentence has one of these labels, so nothing will be known of them: {labels}.",
                labels=plain(", ".join(missing)),
            ),
            icon=":material/help:",
        )


def _show_numbers(report: Report, leaked: int, max_length: int) -> None:
    numbers = (
        (t("Labels"), f"{len(report.label_counts):,}", None),
        (
            t("Duplicates"),
            f"{report.duplicates:,}",
            t("Rows whose sentence and label stood in an earlier row already."),
        ),
        (
            t("Conflicts"),
            f"{report.conflicts:,}",
            t("Sentences that stand with more than one label."),
        ),
        (
            t("Leaked"),
            f"{leaked:,}",
            t("Test sentences that are training sentences too: they make the test too easy."),
        ),
        (
            t("Cut"),
            percent(share_cut(report.lengths, max_length)),
            t("Sentences longer than the maximum length: the model does not read their ends."),
        ),
        (
            "[UNK]",
            percent(report.unk_rate),
            t("Pieces that the vocabulary does not know. Past 5% something is wrong."),
        ),
    )
    with st.grid(len(numbers), min_column_width=130):
        for name, value, explanation in numbers:
            st.metric(name, value, border=True, help=explanation)


def _show_charts(report: Report, max_length: int) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{t('Sentences per label')}**")
        commonest = sorted(report.label_counts, key=lambda label: -report.label_counts[label])
        shown = set(commonest[:SHOWN_LABELS])
        st.plotly_chart(
            label_counts(
                {label: count for label, count in report.label_counts.items() if label in shown},
                label_colours(list(report.label_counts)),
            ),
            config={"displayModeBar": False},
            alt=t("How many sentences each label has"),
        )
        if len(shown) < len(commonest):
            st.caption(t("The {count} commonest labels are shown.", count=len(shown)))
    with right:
        st.markdown(f"**{t('Length of the sentences in pieces')}**")
        st.plotly_chart(
            length_histogram(
                report.lengths,
                max_length,
                x_title=t("Pieces, [CLS] and [SEP] included"),
                y_title=t("Sentences"),
                limit_title=t("maximum length {length}", length=max_length),
            ),
            config={"displayModeBar": False},
            alt=t("How many sentences have which length"),
        )
