"""A report of a run, or of classified sentences, as one HTML file."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from kobert_demo.imports import quick_imports
from kobert_demo.language import Language
from kobert_demo.run_report import MOST_SENTENCES, as_html, story_of
from kobert_demo.runs import Runs
from kobert_demo.sentence_sets import SentenceSets
from kobert_demo.store import Run
from kobert_demo.ui.elements import run_label
from kobert_demo.ui.run_facts import run_facts
from kobert_demo.ui.session import language, t, workspace

if TYPE_CHECKING:
    from kobert_demo.predictor import Prediction

EACH = 5  # of the everyday sentences: one of each emotion


def run_report(runs: Runs, run: Run) -> None:
    """Offer the report of a run, with the sentences that this visitor typed last."""
    typed = str(st.session_state.get("sentences", "")).splitlines()
    chosen = [line.strip() for line in typed if line.strip()][:MOST_SENTENCES]
    if not chosen:
        chosen = [case.text for case in SentenceSets(workspace()).get("everyday").cases[::EACH]]
    _button(
        t("Report of the run"),
        partial(_told, runs, run, run_facts(run), chosen, language()),
        f"report-{run.run}.html",
        t(
            "Model card, data, training curves, confusion matrix and {count} sentences: those typed on "
            "the Classification page, else everyday ones. One file, no network needed.",
            count=len(chosen),
        ),
    )


def session_report(classifier: str, run: Run | None, predictions: "Sequence[Prediction]") -> None:
    """Offer a report of the sentences that were classified.

    Args:
        run: what answered; None where it was the ready-made model, called `classifier`.
    """
    facts = run_facts(run) if run else {t("Model"): classifier}
    title = run_label(run) if run else classifier
    _button(
        t("Report of these sentences"),
        partial(_bytes, title, facts, predictions, language()),
        f"sentences-{classifier}.html",
        t("Each sentence with its probabilities and pieces, in one file that needs no network."),
    )


def _button(label: str, made: "partial[bytes]", file_name: str, help: str) -> None:
    st.download_button(
        label,
        made,
        file_name,
        "text/html",
        icon=":material/summarize:",
        on_click="ignore",
        help=help,
        key="report",
    )


def _told(
    runs: Runs, run: Run, facts: dict[str, str], chosen: Sequence[str], spoken: Language
) -> bytes:
    """Return the report's bytes; made only when it is asked for, on a thread of its own."""
    with quick_imports():
        from kobert_demo.predictor import Predictor  # imports torch

    predictions = Predictor(str(runs.bundle(run.run))).predict(chosen)
    text = as_html(run.name, facts, predictions, spoken, story_of(runs, run))
    return text.encode("utf-8", errors="replace")


def _bytes(
    name: str, facts: dict[str, str], predictions: "Sequence[Prediction]", spoken: Language
) -> bytes:
    return as_html(name, facts, predictions, spoken).encode("utf-8", errors="replace")
