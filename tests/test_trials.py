"""Trials: what passes, what cannot be judged, and what got worse since the time before."""

from pathlib import Path

import numpy as np

from kobert_demo.sentence_sets import Case
from kobert_demo.trials import (
    MOST_KEPT,
    Answer,
    Trial,
    ask,
    changes,
    keep_trials,
    latest,
    previous,
    read_trials,
)


class Glad:
    """A classifier that finds everything happy."""

    labels = ("분노", "행복")

    def probabilities(self, texts: list[str]) -> np.ndarray:
        return np.array([[0.25, 0.75]] * len(texts), np.float32)


def trial(at: float, classifier: str, *passed: bool | None) -> Trial:
    answers = (
        Answer(f"문장 {n}", "행복", "행복" if one else "분노", 0.5, one)
        for n, one in enumerate(passed)
    )
    return Trial(at, classifier, classifier.upper(), tuple(answers))


def test_answers_pass_fail_or_cannot_be_judged() -> None:
    cases = [Case("좋아", "행복"), Case("싫어", "분노"), Case("헐", "놀람")]
    answers = ask(cases, Glad())  # type: ignore[arg-type]
    assert [answer.passed for answer in answers] == [True, False, None]
    assert {(answer.label, answer.confidence) for answer in answers} == {("행복", 0.75)}
    told = Trial(0, "glad", "Glad", answers)
    assert (told.passed, told.judged) == (1, 2)


def test_regressions_count_only_what_both_were_asked() -> None:
    before = trial(1, "a", True, True, False, None)
    now = trial(2, "a", True, False, True, None)
    broken, mended = changes(before, now)
    assert [new.text for _, new in broken] == ["문장 1"]
    assert mended == 1
    other = Trial(3, "a", "A", tuple(Answer(a.text, "슬픔", "분노", 1, False) for a in now.answers))
    assert changes(now, other) == ([], 0)  # expected otherwise by now


def test_a_trial_is_compared_with_its_own_last_else_with_the_last_of_any() -> None:
    old, other, now = trial(1, "a", True), trial(2, "b", True), trial(3, "a", False)
    beside = trial(3, "c", True)
    trials = [old, other, now, beside]
    assert latest(trials) == [now, beside]
    assert previous(trials, now) == old
    assert previous(trials, beside) == other
    assert previous(trials, old) is None
    assert latest([]) == []


def test_trials_are_kept_and_the_oldest_make_room(tmp_path: Path) -> None:
    directory = tmp_path / "set"
    assert read_trials(directory) == []
    for at in range(MOST_KEPT + 1):
        keep_trials(directory, [trial(at, "a", True, None)])
    kept = read_trials(directory)
    assert [each.at for each in kept] == list(range(1, MOST_KEPT + 1))
    assert kept[-1] == trial(MOST_KEPT, "a", True, None)
    (directory / "trials.json").write_text("[{")
    assert read_trials(directory) == []
