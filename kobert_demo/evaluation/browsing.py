"""Scores -> the sentences worth looking at, and the labels that look wrong."""

import csv
import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kobert_demo.evaluation.scoring import Rows, Scored, searchable

Order = Literal["confident", "uncertain", "longest", "shortest", "line"]


@dataclass(frozen=True)
class Filter:
    """Which sentences to see; None, empty and False leave nothing out.

    Attributes:
        true, predicted: label ids.
        text: what a sentence must hold, whatever its case and composition.
        wrong: only those whose predicted label is not the true one.
    """

    true: int | None = None
    predicted: int | None = None
    text: str = ""
    wrong: bool = False


def browse(scored: Scored, chosen: Filter, order: Order) -> Rows:
    """Return the places of the sentences that were asked for.

    `confident` puts the highest confidence first, `uncertain` the lowest.
    """
    kept = np.ones(len(scored), bool)
    if chosen.true is not None:
        kept &= scored.true == chosen.true
    if chosen.predicted is not None:
        kept &= scored.predicted == chosen.predicted
    if chosen.wrong:
        kept &= scored.true != scored.predicted
    if wanted := searchable(chosen.text.strip()):
        kept &= np.array([wanted in text for text in scored.searchable])
    rows = np.flatnonzero(kept)
    keys: dict[Order, NDArray[np.generic]] = {
        "confident": -scored.confidence,
        "uncertain": scored.confidence,
        "longest": -scored.lengths,
        "shortest": scored.lengths,
        "line": scored.data.lines,
    }
    return rows[np.argsort(keys[order][rows], kind="stable")]


def suspects(scored: Scored) -> Rows:
    """Return the sentences whose label may be wrong, the most suspicious first.

    One is suspected where another label is predicted with at least the mean probability that this label
    gets on the sentences that bear it (Northcutt et al. 2021, "Confident Learning", arXiv:1911.00068,
    section 3.1), the larger its lead over the given label the more. The data must not have been trained on.
    """
    every = np.arange(len(scored))
    own = scored.probabilities[every, scored.true]
    labels = len(scored.data.labels)
    support = np.bincount(scored.true, minlength=labels)
    usual = np.bincount(scored.true, own, labels) / np.maximum(support, 1)
    usual[support == 0] = np.inf
    suspected = (scored.predicted != scored.true) & (scored.confidence >= usual[scored.predicted])
    rows = np.flatnonzero(suspected)
    return rows[np.argsort((own - scored.confidence)[rows], kind="stable")]


def as_tsv(scored: Scored, rows: Rows) -> bytes:
    """Return sentences as a TSV that spreadsheets open with their Korean intact.

    `line` is the line of the file that the data came from.
    """
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    table.writerow(["line", "label", "predicted", "probability", "sentence"])
    labels, data = scored.data.labels, scored.data
    for row in rows.tolist():
        given, said = labels[scored.true[row]], labels[scored.predicted[row]]
        share = f"{scored.confidence[row]:.4f}"
        table.writerow([int(data.lines[row]), given, said, share, data.texts[row]])
    return text.getvalue().encode("utf-8-sig", errors="replace")
