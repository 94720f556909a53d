"""Files scored in a process of their own: whole, cancelled, killed, gone on with, deleted."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kobert_demo.errors import DataError
from kobert_demo.file_scoring import choose_layout, score_file
from kobert_demo.predictor import Predictor
from kobert_demo.reading import detect_format
from kobert_demo.scoring_jobs import Job, ScoringJobs, work
from kobert_demo.scoring_state import Order, State, read_order, write_order, write_state
from tests.models import save_tiny_model, tiny_model, write_tsv

LABELS = ("분노", "행복")
SECONDS = 120


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., Order]:
    """Order a file of `8 x copies` sentences to be scored by a tiny model."""
    model = tiny_model()
    model.config.id2label = dict(enumerate(LABELS))
    directory = str(save_tiny_model(tmp_path / "tiny", model))

    def order(copies: int = 3, **changes: object) -> Order:
        path = write_tsv(tmp_path / f"{copies}.tsv", copies)
        how = detect_format(path)
        made = Order(str(path), path.name, "tiny", directory, how, 0, 1, False, time.time())
        return replace(made, **changes)  # type: ignore[arg-type]

    return order


def wait(jobs: ScoringJobs, id: str, until: Callable[[Job], bool]) -> Job:
    deadline = time.monotonic() + SECONDS
    while not until(job := jobs.get(id)):
        assert time.monotonic() < deadline, job.state
        time.sleep(0.02)
    return job


def ended(job: Job) -> bool:
    return not job.state.active


def uncut(order: Order, out: Path) -> bytes:
    """Return what scoring in one go writes."""
    path, predictor = Path(order.path), Predictor(order.model)
    layout = choose_layout(path, order.how, predictor.labels, out, guard=order.guard)
    score_file(path, replace(layout, text=order.text, label=order.label), predictor, out)
    return out.read_bytes()


def test_a_job_scores_a_file_and_tells_what_came_out(
    order: Callable[..., Order], workspace: Path, tmp_path: Path
) -> None:
    jobs, asked = ScoringJobs(workspace), order()
    id = jobs.start(asked)
    job = wait(jobs, id, ended)
    assert job.state.stage == "done", job.state.error
    assert job.state.summary is not None
    assert (job.state.summary["rows"], job.state.summary["labelled"]) == (24, 24)
    assert job.state.labels == LABELS
    assert job.order == asked
    assert job.out.read_bytes() == uncut(asked, tmp_path / "whole.tsv")
    assert [each.id for each in ScoringJobs(workspace).list()] == [id]
    jobs.resume(id)  # nothing: it is done
    assert jobs.get(id).state.stage == "done"


@pytest.mark.parametrize("way", ["kill", "cancel"])
def test_what_was_cut_off_goes_on_after_a_restart_to_the_same_bytes(
    order: Callable[..., Order], workspace: Path, tmp_path: Path, way: str
) -> None:
    jobs, asked = ScoringJobs(workspace), order(copies=6_000)
    id = jobs.start(asked)
    job = wait(jobs, id, lambda job: job.state.share > 0)
    assert job.state.active
    if way == "kill":
        os.kill(int((workspace / "scores" / id / "pid").read_text()), signal.SIGKILL)
        wait(jobs, id, ended)
    else:
        jobs.stop(id)
    job = jobs.get(id)
    stopped = job.state
    assert stopped.stage == "stopped"
    assert 0 < stopped.share < 1
    assert not job.out.exists()
    again = ScoringJobs(workspace)  # the app was started anew
    again.resume(id)
    seen = [wait(again, id, lambda job: job.state.stage != "starting").state]
    job = wait(again, id, ended)
    assert job.state.stage == "done", job.state.error
    assert seen[0].share >= stopped.share  # not from the beginning
    assert job.out.read_bytes() == uncut(asked, tmp_path / "whole.tsv")


def test_killed_before_its_last_word_it_ends_well(
    order: Callable[..., Order], workspace: Path
) -> None:
    jobs = ScoringJobs(workspace)
    id = jobs.start(order())
    job = wait(jobs, id, ended)
    whole = job.out.read_bytes()
    write_state(job.out.parent, State("scoring", 0.9))
    wait(jobs, id, lambda job: job.state.stage == "stopped")
    jobs.resume(id)
    job = wait(jobs, id, ended)
    assert job.state.stage == "done", job.state.error
    assert job.out.read_bytes() == whole


def test_a_comma_stays_a_comma_and_cells_are_guarded(
    order: Callable[..., Order], workspace: Path, tmp_path: Path
) -> None:
    path = tmp_path / "in.csv"
    path.write_text("sentence,note\n좋아요,=1+1\n싫어요,b\n", encoding="utf-8")
    how = detect_format(path)
    jobs = ScoringJobs(workspace)
    id = jobs.start(order(path=str(path), name="in.csv", how=how, label=None, guard=True))
    job = wait(jobs, id, ended)
    assert job.state.stage == "done", job.state.error
    assert job.out.suffix == ".csv"
    lines = job.out.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "sentence,note,label,confidence,분노,행복"
    assert lines[1].startswith("좋아요,'=1+1,")
    assert job.state.summary is not None
    assert job.state.summary["agreement"] is None


def test_failures_are_told_in_words_and_another_try_succeeds(
    order: Callable[..., Order], workspace: Path, tmp_path: Path
) -> None:
    jobs, asked = ScoringJobs(workspace), order()
    Path(asked.path).rename(tmp_path / "elsewhere")
    id = jobs.start(asked)
    job = wait(jobs, id, ended)
    assert job.state.stage == "failed"
    assert job.state.error is not None
    assert asked.path in job.state.error.in_language("ko")
    (tmp_path / "elsewhere").rename(asked.path)
    jobs.resume(id)
    assert wait(jobs, id, ended).state.stage == "done"


@pytest.mark.parametrize("id", ["", "..", "../runs", "20260101-000000-0123abcd", "x" * 300])
def test_what_is_no_job_is_said(workspace: Path, id: str) -> None:
    jobs = ScoringJobs(workspace)
    for do in (jobs.get, jobs.stop, jobs.resume, jobs.delete):
        with pytest.raises(DataError, match="no such scored file"):
            do(id)


def test_a_deleted_job_leaves_nothing_and_a_damaged_one_can_go_on(
    order: Callable[..., Order], workspace: Path
) -> None:
    jobs = ScoringJobs(workspace)
    id = jobs.start(order())
    job = wait(jobs, id, ended)
    (job.out.parent / "state.json").write_text("{")
    assert jobs.get(id).state.stage == "stopped"
    jobs.resume(id)
    job = wait(jobs, id, ended)
    assert job.state.stage == "done"
    job.out.unlink()
    assert jobs.get(id).state.stage == "stopped"
    jobs.delete(id)
    assert jobs.list() == []
    assert list((workspace / "scores").iterdir()) == []
    assert Path(job.order.path).is_file()


def test_full_precision_reaches_the_model(
    order: Callable[..., Order], workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    class Heard(Predictor):
        def __init__(self, model: str, exact: bool, device: str) -> None:
            asked.append(exact)
            super().__init__(model, exact, device)

    monkeypatch.setattr("kobert_demo.predictor.Predictor", Heard)
    for place, exact in enumerate((False, True)):
        directory = workspace / "scores" / str(place)
        write_order(directory, order(exact=exact))
        assert work(directory).stage == "done"
    assert asked == [False, True]


def test_an_order_from_before_full_precision_could_be_chosen_is_read(
    order: Callable[..., Order], workspace: Path
) -> None:
    directory = workspace / "scores" / "old"
    write_order(directory, order())
    path = directory / "order.json"
    row = json.loads(path.read_text(encoding="utf-8"))
    del row["exact"]
    path.write_text(json.dumps(row), encoding="utf-8")
    assert not read_order(directory).exact
