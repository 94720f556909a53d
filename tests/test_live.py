"""What is told of a run while it goes on."""

import math
from dataclasses import replace

import pytest

from kobert_demo.language import Message
from kobert_demo.live import curves, figures, look, progress, stage
from kobert_demo.processes import lock_directory
from kobert_demo.runs import Runs
from kobert_demo.store import Row, Run
from tests.test_store import evaluation, step


@pytest.fixture
def trains(runs: Runs) -> Run:
    """A run that was claimed a hundred seconds ago and has taken no step."""
    runs.store.add("a", "a", {"config": {"epochs": 3}}, steps=60)
    runs.store.claim("a", "cpu")
    run = runs.store.run("a")
    assert run.started_at
    return replace(run, started_at=run.started_at - 100)


def named(shown: list[tuple[str, str]]) -> dict[str, str]:
    return dict(shown)


def test_a_run_that_waits_has_no_progress(trains: Run) -> None:
    assert progress(replace(trains, status="queued", started_at=None), "en") == (0.0, "")


def test_before_the_first_step_it_is_loading(trains: Run) -> None:
    assert progress(trains, "en") == (0.0, "Loading the model and the data …")


def test_progress_tells_the_time_that_is_left(trains: Run) -> None:
    share, text = progress(replace(trains, step=20, epoch=2), "en")
    assert share == pytest.approx(1 / 3)
    assert text == "Epoch 2 of 3 · step 20 of 60 · 1 min 40 s · about 3 min 20 s left"


def test_what_was_trained_before_it_was_resumed_counts(trains: Run) -> None:
    text = progress(replace(trains, step=20, epoch=2, spent=3600.0), "en")[1]
    assert "· 1 h 1 min ·" in text


def test_a_run_that_has_ended_has_nothing_left(trains: Run) -> None:
    assert trains.started_at
    ended = replace(trains, status="finished", step=60, epoch=3, ended_at=trains.started_at + 7)
    assert progress(ended, "ko") == (1.0, "에폭 3/3 · 스텝 60/60 · 7.0초 경과")


def test_what_left_the_queue_after_it_was_resumed_still_says_how_far_it_came(trains: Run) -> None:
    left = replace(trains, status="stopped", started_at=None, step=20, epoch=2, spent=49.0)
    share, text = progress(left, "en")
    assert share == pytest.approx(1 / 3)
    assert text == "Epoch 2 of 3 · step 20 of 60 · 49 s"


@pytest.mark.parametrize(
    "change",
    [
        {"status": "finished"},
        {"status": "queued", "waiting": 2},
        {"stop_requested": True},
        {"notice": Message("Queued")},
        {"step": 1},
    ],
)
def test_a_page_is_drawn_anew_where_more_than_figures_has_changed(trains: Run, change: Row) -> None:
    assert stage(replace(trains, **change)) != stage(trains)


def test_a_page_is_not_drawn_anew_for_steps_and_evaluations(trains: Run) -> None:
    first = replace(trains, step=1)
    later = replace(first, step=9, epoch=2, macro_f1=0.5, best_step=8, silent=1.0)
    assert stage(first) == stage(later)


def test_figures_are_those_of_the_last_step_and_the_speed_of_all(trains: Run) -> None:
    rows = [
        {**step(1), "learning_rate": 5e-5, "grad_norm": 1.5},
        {**step(3, loss=0.25), "learning_rate": 1.2e-5, "grad_norm": 0.5},
    ]
    assert named(figures(replace(trains, macro_f1=0.4), rows, (0.75, 0.8), "en")) == {
        "Train loss": "0.250",
        "Test loss": "0.750",
        "Train accuracy": "50.0%",
        "Test accuracy": "80.0%",
        "Best macro-F1": "0.400",
        "Learning rate": "1.2e-5",
        "Gradient norm": "0.50",
        "Sentences/s": "16",
    }


def test_a_figure_that_is_not_known_yet_is_a_dash_and_a_rate_of_zero_is_zero(trains: Run) -> None:
    row = {**step(1), "learning_rate": 0.0, "grad_norm": None}
    told = named(figures(trains, [row], (None, None), "en"))
    assert told["Learning rate"] == "0"
    unknown = {name for name, value in told.items() if value == "–"}
    assert unknown == {
        "Test loss",
        "Test accuracy",
        "Best macro-F1",
        "Gradient norm",
        "Sentences/s",
    }


def test_without_a_step_there_are_no_figures(runs: Runs, trains: Run) -> None:
    assert look(runs, trains, "en")["figures"] == []


def test_figures_follow_the_last_evaluation_until_the_end_then_the_best(
    runs: Runs, trains: Run
) -> None:
    runs.store.add_steps("a", [{**step(1), "learning_rate": 1e-5, "grad_norm": 1.0}])
    runs.store.add_evaluation("a", evaluation(1, macro_f1=0.75, loss=0.1))
    runs.store.add_evaluation("a", evaluation(2, macro_f1=0.25, loss=0.9))
    with lock_directory(runs.directory("a")):
        assert named(look(runs, runs.get("a"), "en")["figures"])["Test loss"] == "0.900"
    runs.store.end("a", "finished")
    assert named(look(runs, runs.get("a"), "en")["figures"])["Test loss"] == "0.100"


def test_curves_are_told_past_a_step_of_each_line(runs: Runs, trains: Run) -> None:
    runs.store.add_steps("a", [step(1), step(2, loss=math.inf), step(3, loss=math.nan)])
    runs.store.add_evaluation("a", evaluation(2, macro_f1=0.25))
    assert curves(runs, "a", {"loss": [1, 0]}) == {
        "loss": [([2, 3], [None, None]), ([2], [runs.store.last_evaluation("a")[0]])]
    }
    assert curves(runs, "a", {"loss": [3, 2], "accuracy": [2, 0, 2]}) == {
        "loss": [([], []), ([], [])],
        "accuracy": [([3], [0.5]), ([2], [0.35]), ([], [])],
    }
