"""The verb `train`, as a person runs it: what it says, what it trains with, and Control-C."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from kobert_demo.cli import main
from kobert_demo.config import preset
from kobert_demo.processes import PROJECT
from kobert_demo.runs import Runs
from tests.models import save_tiny_model, write_tsv
from tests.test_cli import ENCODING, Shell, fails, shell

__all__ = ["shell"]  # the fixture


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


def test_train_says_what_it_leaves_out_and_what_the_model_cannot_read(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_tsv(tmp_path / "data.tsv")
    data.write_text(data.read_text(encoding="utf-8") + "\t행복\n", encoding="utf-8")
    test = write_tsv(tmp_path / "test.tsv", ending=" 뷁 쀍 뷁 쀍")
    test.write_text(test.read_text(encoding="utf-8") + "모르는 것\t새것\n", encoding="utf-8")
    words = ["train", data, "--test", test, "--model", model, "--epochs", 1, "--max-length", 16]
    assert main([*map(str, words), "--workspace", str(tmp_path / "workspace")]) == 0
    said = capsys.readouterr().err
    assert "data.tsv: 40 of 41 rows can be used." in said
    assert "The sentence is empty. (rows: 1, first line: 42)" in said
    assert "test.tsv: 40 of 41 rows can be used." in said
    assert "The label “새것” is not among the training labels." in said
    assert said.count("of all pieces are [UNK]") == 1
    assert main(["check", str(test), "--workspace", str(tmp_path / "workspace")]) == 0
    assert "of all pieces are [UNK]" in capsys.readouterr().err


def test_train_refuses_more_devices_than_there_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: Path
) -> None:
    workspace = tmp_path / "workspace"
    words = ("--model", model, "--devices", 999, "--workspace", workspace)
    said = fails(capsys, "train", write_tsv(tmp_path / "a.tsv"), *words)
    assert said.startswith("999 processes were asked for, and this machine has ")
    assert Runs(workspace).list() == []


def test_train_classify_and_runs_are_one_story(shell: Shell, tmp_path: Path, model: Path) -> None:
    data = write_tsv(tmp_path / "data.tsv")
    trained = shell(
        *("train", data, "--model", model, "--epochs", 2, "--batch-size", 8, "--max-length", 16),
        *("--learning-rate", 1e-3, "--test-fraction", 0.25, "--seed", 3),
    )
    assert list(trained) == [
        *("run", "status", "accuracy", "macro_f1", "loss", "train_seconds", "sentences_per_second"),
    ]
    assert trained["status"] == "finished"
    assert 0 <= trained["accuracy"] <= 1

    (listed,) = shell("runs")
    assert list(listed) == [
        *("run", "name", "status", "model", "step", "steps", "accuracy", "macro_f1"),
        *("pid", "notice", "error", "created_at", "tags", "note"),
    ]
    assert (listed["run"], listed["status"], listed["error"]) == (trained["run"], "finished", None)
    assert listed["step"] == listed["steps"] == 8

    texts = ["오늘 정말 행복해요", "짜증나"]
    answers = shell("classify", "--run", trained["run"], *texts)
    assert [answer["text"] for answer in answers] == texts
    for answer in answers:
        assert list(answer) == ["text", "label", "probabilities", *ENCODING]
        assert set(answer["probabilities"]) == {"행복", "분노"}
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)
        assert {len(answer[name]) for name in ENCODING[:4]} == {16}
        assert sum(answer["attention_mask"]) == answer["valid_length"]


def test_a_test_file_of_its_own_is_used(shell: Shell, tmp_path: Path, model: Path) -> None:
    data, test = write_tsv(tmp_path / "a.tsv"), write_tsv(tmp_path / "b.tsv", copies=2)
    shell("train", data, "--test", test, "--model", model, "--epochs", 1, "--max-length", 16)
    (run,) = Runs(tmp_path / "workspace").list()
    assert run.record["data"]["train_rows"] == 40
    assert run.record["data"]["test_rows"] == 16


def test_a_model_trains_with_its_own_values_but_for_what_is_given(
    shell: Shell, tmp_path: Path
) -> None:
    shell("train", write_tsv(tmp_path / "a.tsv"), "--epochs", 1, "--max-length", 16)
    (run,) = Runs(tmp_path / "workspace").list()
    assert run.record["config"] == asdict(replace(preset("mini"), epochs=1, max_length=16))


def test_a_relative_model_is_found_from_anywhere(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, model = write_tsv(tmp_path / "data.tsv"), save_tiny_model(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    trained = shell("train", data, "--model", "mine", "--epochs", 1, "--max-length", 16)
    assert trained["status"] == "finished"
    assert shell("runs")[0]["model"] == str(model)


def test_control_c_stops_the_run(tmp_path: Path, model: Path) -> None:
    data, workspace = write_tsv(tmp_path / "data.tsv"), tmp_path / "workspace"
    words = ["train", data, "--model", model, "--epochs", 1000, "--batch-size", 8, "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "kobert_demo", *map(str, words), "--workspace", str(workspace)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    runs, deadline = Runs(workspace), time.monotonic() + 90
    while not any(run.step > 4 for run in runs.list()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    out, _ = process.communicate(timeout=60)
    assert json.loads(out)["status"] == "stopped"
