"""A set of sentences put to a classifier: which answers are as expected, and which no longer are."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kobert_demo.sentence_sets import Case

if TYPE_CHECKING:
    from kobert_demo.predictor import Predictor

MOST_KEPT = 60  # trials of a set
UNREADABLE = (OSError, ValueError, TypeError, KeyError)


@dataclass(frozen=True)
class Answer:
    """What a classifier said of a sentence.

    Attributes:
        passed: whether it is what was expected; None where the classifier does not know that label.
    """

    text: str
    expected: str
    label: str
    confidence: float
    passed: bool | None


@dataclass(frozen=True)
class Trial:
    """One classifier's answers to one set.

    Attributes:
        at: seconds since 1970; those of several classifiers that were asked together share it.
        classifier: what pages call the model; name: for reading only.
    """

    at: float
    classifier: str
    name: str
    answers: tuple[Answer, ...]

    @property
    def passed(self) -> int:
        return sum(answer.passed is True for answer in self.answers)

    @property
    def judged(self) -> int:
        """How many sentences the classifier could pass at all."""
        return sum(answer.passed is not None for answer in self.answers)


def ask(cases: Sequence[Case], predictor: "Predictor") -> tuple[Answer, ...]:
    """Return a classifier's answers to sentences, in their order.

    Raises:
        ModelError: the model's answers are no numbers.
    """
    labels = predictor.labels
    answers = []
    for case, shares in zip(
        cases, predictor.probabilities([case.text for case in cases]), strict=True
    ):
        best = int(shares.argmax())
        passed = labels[best] == case.expected if case.expected in labels else None
        answers.append(Answer(case.text, case.expected, labels[best], float(shares[best]), passed))
    return tuple(answers)


def read_trials(directory: Path) -> list[Trial]:
    """Return the trials of the set in a directory, the oldest first; none where they cannot be read."""
    try:
        rows = json.loads((directory / "trials.json").read_text(encoding="utf-8"))
        return [
            Trial(**{**row, "answers": tuple(Answer(**answer) for answer in row["answers"])})
            for row in rows
        ]
    except UNREADABLE:
        return []


def keep_trials(directory: Path, new: Sequence[Trial]) -> None:
    """Add trials to those of the set in a directory; the oldest make room."""
    rows = [asdict(trial) for trial in (*read_trials(directory), *new)][-MOST_KEPT:]
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "trials.json"
    path.with_suffix(".new").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    path.with_suffix(".new").replace(path)


def latest(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials of the classifiers that were asked last."""
    last = max((trial.at for trial in trials), default=None)
    return [trial for trial in trials if trial.at == last]


def previous(trials: Sequence[Trial], now: Trial) -> Trial | None:
    """Return the trial to compare one with: the same classifier's before it, else the last of another."""
    before = [trial for trial in trials if trial.at < now.at]
    own = [trial for trial in before if trial.classifier == now.classifier]
    return max(own or before, key=lambda trial: trial.at, default=None)


def changes(before: Trial, now: Trial) -> tuple[list[tuple[Answer, Answer]], int]:
    """Return what passed before and does not now, as (before, now), and how many now pass that did not.

    Only sentences count that both have been asked with the same expectation.
    """
    known = {(answer.text, answer.expected): answer for answer in before.answers}
    pairs = [
        (known[key], answer)
        for answer in now.answers
        if (key := (answer.text, answer.expected)) in known
    ]
    broken = [pair for pair in pairs if pair[0].passed and pair[1].passed is False]
    return broken, sum(old.passed is False and new.passed is True for old, new in pairs)
