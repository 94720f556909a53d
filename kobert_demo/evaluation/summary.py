"""Scores and training data -> everything that is said of a classifier, and the same as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kobert_demo.calibration import calibration_error
from kobert_demo.evaluation.baselines import TfidfAnswers, commonest_label
from kobert_demo.evaluation.figures import Compared, Figures, LabelFigures, compare, label_figures
from kobert_demo.evaluation.honesty import Honesty, honesty
from kobert_demo.evaluation.scoring import Scored
from kobert_demo.evaluation.slices import Slice, slices

MODEL, MAJORITY, TFIDF = "model", "majority", "tfidf_logreg"


@dataclass(frozen=True, eq=False)
class Summary:
    """What an evaluation found.

    Attributes:
        commonest: the label that the majority baseline answers.
        tfidf: what the other baseline learnt from; None where there is no training data.
        rivals: each baseline's figures, by its name, and how far the model is ahead.
        ece: expected calibration error of the probabilities as the bundle gives them.
    """

    scored: Scored
    figures: Figures
    commonest: str
    tfidf: TfidfAnswers | None
    rivals: Mapping[str, Compared]
    labels: LabelFigures
    ece: float
    honesty: Honesty
    slices: tuple[Slice, ...]


def summarize(scored: Scored, tfidf: TfidfAnswers | None) -> Summary:
    """Return everything that is said of a classifier.

    Args:
        tfidf: what that baseline answers on the same sentences; None where there is no training data.
    """
    commonest = commonest_label(scored.data)
    answers = {MODEL: scored.predicted, MAJORITY: np.full(len(scored), commonest)}
    if tfidf:
        answers[TFIDF] = tfidf.predicted
    compared = compare(scored.true, answers, len(scored.data.labels))
    return Summary(
        scored,
        compared.pop(MODEL).figures,
        scored.data.labels[commonest],
        tfidf,
        compared,
        label_figures(scored.counts),
        calibration_error(scored.probabilities, scored.true),
        honesty(scored),
        slices(scored),
    )


def as_json(summary: Summary) -> dict[str, Any]:
    """Return the figures as one JSON document; intervals are 95 % bootstrap intervals."""
    scored, honest = summary.scored, summary.honesty
    labels = scored.data.labels
    return {
        "data": {"name": scored.data.name, "rows": len(scored), "sha256": scored.data.sha256},
        "labels": list(labels),
        **_values(summary.figures),
        "per_class": {
            label: {
                "precision": float(summary.labels.precision[place]),
                "recall": float(summary.labels.recall[place]),
                "f1": float(summary.labels.f1[place]),
                "support": int(summary.labels.support[place]),
            }
            for place, label in enumerate(labels)
        },
        "confusion": scored.counts.tolist(),
        "ece": summary.ece,
        "calibration": {
            "temperature": scored.temperature,
            "fitted_temperature": honest.temperature,
            "ece_before": honest.before.error,
            "ece_after": honest.after.error,
            "cross_fitted": honest.cross_fitted,
        },
        "baselines": {
            name: {**_values(rival.figures), "beaten": rival.beaten}
            for name, rival in summary.rivals.items()
        },
        "slices": [{**asdict(part), "name": str(part.name)} for part in summary.slices],
    }


def _values(figures: Figures) -> dict[str, Any]:
    estimates: dict[str, dict[str, float]] = asdict(figures)
    return {
        **{name: estimate["value"] for name, estimate in estimates.items()},
        "intervals": {name: [e["low"], e["high"]] for name, e in estimates.items()},
    }
