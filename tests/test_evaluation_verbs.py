"""The verb `evaluate`, as a person runs it."""

import json
from pathlib import Path

import pytest

from kobert_demo.cli import main
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from tests.evaluating import write_part
from tests.test_cli import fails


def test_evaluate_tells_these_fields_on_a_file_and_on_the_runs_own_test_data(
    evaluated: tuple[Runs, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, run = evaluated
    workspace = ["--workspace", str(runs.workspace)]
    path = write_part(tmp_path / "other.tsv", first=2_000, rows=50)
    documents = []
    for words in ([str(path)], []):
        assert main(["evaluate", *words, "--run", run.run, "--json", *workspace]) == 0
        documents.append(json.loads(capsys.readouterr().out))
    for told, rows in zip(documents, (50, 280), strict=True):
        assert told["data"]["rows"] == rows
        assert {"accuracy", "macro_f1", "per_class", "confusion", "ece", "baselines"} <= set(told)
        assert set(told["baselines"]) == {"majority", "tfidf_logreg"}
        assert sum(map(sum, told["confusion"])) == rows
    assert main(["evaluate", "--run", run.run, *workspace]) == 0
    assert f"accuracy              {documents[1]['accuracy']:.4f} (" in capsys.readouterr().out


def test_evaluate_says_in_one_sentence_what_it_cannot_do(
    evaluated: tuple[Runs, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, run = evaluated
    workspace = ["--workspace", str(runs.workspace)]
    path = tmp_path / "other.tsv"
    path.write_text("s\tl\n하나\tx\n둘\ty\n셋\tx\n", encoding="utf-8")
    said = fails(capsys, "evaluate", path, "--run", run.run, *workspace)
    assert "No test sentence has a label of the training data" in said
    assert "There is no run x" in fails(capsys, "evaluate", path, "--run", "x", *workspace)
    assert "--run" in fails(capsys, "evaluate", path, *workspace)
