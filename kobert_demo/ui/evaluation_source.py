"""Which sentences a run is evaluated on, and the evaluation itself, computed only once."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from kobert_demo.dataset import Dataset, list_datasets, with_labels_of
from kobert_demo.errors import DataError
from kobert_demo.evaluation.baselines import tfidf_answers
from kobert_demo.evaluation.scoring import compute_logits, scored
from kobert_demo.evaluation.summary import Summary, summarize
from kobert_demo.runs import Runs
from kobert_demo.scaling import Fit, scale
from kobert_demo.store import Run
from kobert_demo.ui.dataset_form import read, reading_form
from kobert_demo.ui.dataset_source import (
    LARGE,
    choose_kept,
    choose_origin,
    leaks,
    once,
    result_slot,
    uploaded,
)
from kobert_demo.ui.elements import plain
from kobert_demo.ui.session import language, t, workspace


@dataclass(frozen=True, eq=False)
class Subject:
    """A run and the sentences that it is evaluated on.

    Attributes:
        train: what it was trained on; None where that is not at hand.
        own: whether the sentences are the run's own test data.
        leaked: the share of the sentences that were trained on.
    """

    runs: Runs
    run: Run
    train: Dataset | None
    data: Dataset
    own: bool
    leaked: float


@st.cache_resource(max_entries=6, show_spinner=False)
def logits_slot(*_key: object) -> dict[str, Any]:
    """Return the place where a bundle's logits for some sentences are kept for `once`."""
    return {}


def choose_subject(runs: Runs, run: Run) -> Subject:
    """Ask for the sentences to evaluate a run on; the page stops where none are chosen yet.

    Raises:
        DataError: they cannot be used, or none of them has a label of the run.
    """
    halves: tuple[Dataset, Dataset] | None = None
    with suppress(DataError):
        halves = once(result_slot("halves", run.run), lambda _: runs.data(run.run))
    kept = list_datasets(workspace())
    origins = {"own": t("Test data of the run")} if halves else {}
    origins["upload"] = t("Another file")
    if kept:
        origins["kept"] = t("Used before")
    origin = choose_origin(t("Evaluated on"), origins, f"evaluated on {bool(halves)}")
    if halves and origin == "own":
        data = halves[1]
    else:
        if halves is None:
            st.caption(t("The test data of this run is not at hand, so another file is needed."))
        data = choose_kept(kept, "evaluated kept") if origin == "kept" else _file()
        data = with_labels_of(run.record["labels"], data)
        _say_left_out(data)
    train = halves[0] if halves else None
    return Subject(runs, run, train, data, origin == "own", _leaked(train, data))


def _file() -> Dataset:
    source = uploaded("evaluated file", t("File"))
    if source is None:
        st.info(
            t("Choose a file with a sentence and a label on each line."),
            icon=":material/upload_file:",
        )
        st.stop()
    with st.expander(t("How the file is read"), icon=":material/tune:"):
        reading = reading_form(source, "evaluate")
    return read(reading, least=1)


def _say_left_out(data: Dataset) -> None:
    if not data.problems:
        return
    st.warning(
        t(
            "{count} rows are left out; the first of them, on line {line}: {reason}",
            count=f"{len({problem.line for problem in data.problems}):,}",
            line=data.problems[0].line,
            reason=plain(data.problems[0].message.in_language(language())),
        ),
        icon=":material/rule:",
    )


def _leaked(train: Dataset | None, data: Dataset) -> float:
    if train is None:
        return 0.0
    leaked, sentences = leaks(train, data)
    return leaked / sentences


def evaluated(subject: Subject) -> Summary:
    """Return what the evaluation found, from the cache where it has been computed before.

    Raises:
        ModelError: the bundle cannot be loaded, or its answers are no numbers.
    """
    bundle, data = subject.runs.bundle(subject.run.run), subject.data
    lines = hashlib.sha256(data.lines.tobytes()).hexdigest()
    slot = result_slot("evaluation", str(bundle), data.sha256, lines, data.name)
    if "result" not in slot:
        logits = once(
            logits_slot(str(bundle), data.sha256),
            lambda show: compute_logits(bundle, data, show),
            t("Classifying …"),
            LARGE + 1,
        )
        with st.spinner(t("Computing the figures and the baselines …")):
            train = subject.train
            tfidf = (
                once(
                    result_slot("tfidf", train.sha256, data.sha256),
                    lambda _: tfidf_answers(train, data),
                )
                if train
                else None
            )
            slot["result"] = summarize(scored(bundle, data, logits), tfidf)
    summary: Summary = slot["result"]
    return summary


def rescale(subject: Subject, summary: Summary, fit: Fit | None) -> None:
    """Give the run's bundle a temperature, or take it back; nothing is classified anew for it.

    Raises:
        RunError, ModelError: the bundle cannot be changed.
    """
    bundle = scale(subject.runs, subject.run.run, fit)
    of = summary.scored
    ratio = np.float32(of.temperature / (fit.temperature if fit else 1.0))
    logits_slot(str(bundle), of.data.sha256)["result"] = of.logits * ratio
