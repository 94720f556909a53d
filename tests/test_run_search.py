"""Searching, filtering and sorting runs."""

import pytest

from kobert_demo.run_search import ORDERS, Search, found, run_seconds
from kobert_demo.store import Run


def run(name: str, created_at: float, **changes: object) -> Run:
    values: dict[str, object] = {
        "run": f"id-{name}",
        "name": name,
        "status": "finished",
        "record": {"config": {"model": "mini"}, "data": {"name": "댓글.tsv"}},
        **dict.fromkeys(("step", "steps", "epoch", "sentences"), 8),
        **dict.fromkeys(("accuracy", "macro_f1", "loss", "best_step"), None),
        **dict.fromkeys(("pid", "bundle", "error", "device"), None),
        "seconds": 1.0,
        "spent": 0.0,
        "created_at": created_at,
        "started_at": created_at,
        "ended_at": created_at + 1,
        "stop_requested": False,
        "waiting": 0,
        "tags": (),
        "note": "",
    }
    return Run(**{**values, **changes})  # type: ignore[arg-type]


RUNS = [
    run("Alpha", 1.0, macro_f1=0.4, accuracy=0.9, tags=("좋음", "base"), ended_at=9.0),
    run("beta", 2.0, macro_f1=0.6, accuracy=0.5, note="낮은 학습률", status="stopped"),
    run(
        "gamma",
        3.0,
        record={"config": {"model": "klue/bert-base"}},
        status="imported",
        tags=("base",),
    ),
]


def names(search: Search, order: str = "newest") -> list[str]:
    return [run.name for run in found(RUNS, search, order)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ["gamma", "beta", "Alpha"]),
        ("ALPHA", ["Alpha"]),
        ("klue", ["gamma"]),
        ("댓글", ["beta", "Alpha"]),
        ("좋음", ["Alpha"]),
        ("학습률 낮은", ["beta"]),
        ("id-beta", ["beta"]),
        ("alpha beta", []),
        ("[.*", []),
    ],
)
def test_every_word_is_looked_for_everywhere(words: str, expected: list[str]) -> None:
    assert names(Search(words)) == expected


def test_filters_hold_together() -> None:
    assert names(Search(statuses=frozenset({"finished", "stopped"}))) == ["beta", "Alpha"]
    assert names(Search(models=frozenset({"klue/bert-base"}))) == ["gamma"]
    assert names(Search(tags=frozenset({"base"}))) == ["gamma", "Alpha"]
    assert names(Search(tags=frozenset({"base", "좋음"}))) == ["Alpha"]
    assert names(Search("beta", statuses=frozenset({"finished"}))) == []


def test_runs_are_sorted_and_those_without_a_figure_come_last() -> None:
    orders = {order: names(Search(), order) for order in ORDERS}
    assert orders == {
        "newest": ["gamma", "beta", "Alpha"],
        "macro_f1": ["beta", "Alpha", "gamma"],
        "accuracy": ["Alpha", "beta", "gamma"],
        "longest": ["Alpha", "gamma", "beta"],
        "name": ["Alpha", "beta", "gamma"],
    }


def test_a_run_that_waits_has_taken_no_time() -> None:
    assert run_seconds(run("waits", 1.0, started_at=None)) == 0
    assert run_seconds(RUNS[0]) == 8.0
    assert run_seconds(run("resumed", 1.0, spent=5.0, started_at=None)) == 5.0
