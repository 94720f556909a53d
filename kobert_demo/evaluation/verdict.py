"""A summary -> the answer in words: whether it is good, and where it is wrong."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kobert_demo.charts import percent
from kobert_demo.evaluation.slices import FEW
from kobert_demo.evaluation.summary import MAJORITY, Summary
from kobert_demo.language import Message

Kind = Literal["good", "unclear", "bad"]


@dataclass(frozen=True)
class Finding:
    """How the model does beside one baseline."""

    kind: Kind
    message: Message


def headline(summary: Summary) -> Message:
    """Say how often the model is right."""
    accuracy = summary.figures.accuracy
    return Message(
        "Right on {accuracy} of {count} sentences (95 % interval: {low} to {high}).",
        {
            "accuracy": percent(accuracy.value),
            "count": f"{len(summary.scored):,}",
            "low": percent(accuracy.low),
            "high": percent(accuracy.high),
        },
    )


def baseline_name(name: str, summary: Summary) -> Message:
    if name == MAJORITY:
        return Message("always answering “{label}”", {"label": summary.commonest})
    return Message("TF-IDF with logistic regression")


def findings(summary: Summary) -> list[Finding]:
    """Say for each baseline whether the model beats it, by accuracy and by macro-F1."""
    own = summary.figures
    said = []
    for name, rival in summary.rivals.items():
        values = {
            "baseline": baseline_name(name, summary),
            "accuracy": percent(own.accuracy.value),
            "other": percent(rival.figures.accuracy.value),
            "f1": f"{own.macro_f1.value:.3f}",
            "other_f1": f"{rival.figures.macro_f1.value:.3f}",
        }
        if rival.clearly_beaten:
            text = Message(
                "It beats {baseline}: accuracy {accuracy} against {other}, macro-F1 {f1} against "
                "{other_f1}.",
                values,
            )
        elif rival.beaten:
            text = Message(
                "It is ahead of {baseline}, but that may be chance on these sentences: accuracy "
                "{accuracy} against {other}, macro-F1 {f1} against {other_f1}.",
                values,
            )
        else:
            text = Message(
                "It does not beat {baseline}: accuracy {accuracy} against {other}, macro-F1 {f1} against "
                "{other_f1}.",
                values,
            )
        kind: Kind = "good" if rival.clearly_beaten else "unclear" if rival.beaten else "bad"
        said.append(Finding(kind, text))
    return said


def weak_spots(summary: Summary) -> list[Message]:
    """Say where the model is wrong: the commonest mistake, the weakest label, the weakest slice."""
    scored, labels = summary.scored, summary.scored.data.labels
    wrong = scored.counts.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return [Message("It makes no mistake on these sentences.")]
    true, said = np.unravel_index(int(wrong.argmax()), wrong.shape)
    count, support = int(wrong[true, said]), summary.labels.support
    spots = [
        Message(
            "Its commonest mistake is “{predicted}” where “{true}” is right: {count} times, {share} of "
            "these.",
            {
                "predicted": labels[said],
                "true": labels[true],
                "count": f"{count:,}",
                "share": percent(count / int(support[true])),
            },
        )
    ]
    tested = np.flatnonzero(support)
    weakest = tested[int(summary.labels.f1[tested].argmin())]
    spots.append(
        Message(
            "Its weakest label is “{label}”: F1 {f1} on {support} sentences.",
            {
                "label": labels[weakest],
                "f1": f"{summary.labels.f1[weakest]:.3f}",
                "support": f"{int(support[weakest]):,}",
            },
        )
    )
    large = [
        (part.accuracy, place)
        for place, part in enumerate(summary.slices)
        if part.accuracy is not None and FEW <= part.support < len(scored)
    ]
    if large:
        accuracy, place = min(large)
        part = summary.slices[place]
        spots.append(
            Message(
                "Its weakest kind of sentence: {slice}, accuracy {accuracy} on {support} sentences.",
                {
                    "slice": part.name,
                    "accuracy": percent(accuracy),
                    "support": f"{part.support:,}",
                },
            )
        )
    return spots
