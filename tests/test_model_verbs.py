"""The shell's verbs for models, and how each verb gets the model that it needs."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import close_session, constants

from kobert_demo import model_verbs
from kobert_demo.cli import main
from kobert_demo.model_files import KOBERT, default_model, needs_download
from kobert_demo.runs import Runs
from tests.families import kobert, notebook_state_dict
from tests.loopback_hub import LoopbackHub
from tests.models import write_tsv

Shell = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub with KoBERT's like, for this process and its workers."""
    torch.manual_seed(0)
    kobert(tmp_path / "repository")
    with LoopbackHub() as served:
        served.add(KOBERT, tmp_path / "repository")
        template = served.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
        yield served
    close_session()


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run a verb with `--json`; return its status, its document, and what it said beside it."""

    def run(*words: object) -> tuple[int, Any, str]:
        status = main([*map(str, words), "--json", "--workspace", str(tmp_path / "workspace")])
        captured = capsys.readouterr()
        return status, json.loads(captured.out or "null"), captured.err

    return run


def test_kobert_by_its_name_is_downloaded_trained_and_taken_away(
    hub: LoopbackHub, shell: Shell, tmp_path: Path
) -> None:
    data = write_tsv(tmp_path / "data.tsv")
    words = ("--model", KOBERT, "--epochs", 2, "--batch-size", 4, "--max-length", 16)
    status, trained, said = shell("train", data, *words)
    assert status == 0, said
    assert "KoBERT's weights: No: the published example gives" in said
    assert trained["status"] == "finished"
    runs = Runs(tmp_path / "workspace")
    (run,) = runs.list()
    assert run.record["revision"] == hub.repositories[KOBERT].commit
    assert run.record["config"]["model"] == KOBERT
    assert "KoBERT's weights: No" in runs.log(run.run)  # a tiny one is an impostor, and is told so
    card = (runs.bundle(run.run) / "README.md").read_text(encoding="utf-8")
    assert f"`{KOBERT}` (commit `{run.record['revision']}`)" in card
    hub.requests.clear()
    status, (answer,), _ = shell("classify", "--run", run.run, "오늘 정말 행복해요")
    assert answer["label"] in ("행복", "분노")
    assert hub.requests == []
    for form in ("directory", "zip", "onnx"):
        out = tmp_path / f"out-{form}"
        status, told, said = shell("export", "--run", run.run, "--format", form, "--out", out)
        assert (status, said) == (0, "")
        assert told == {"run": run.run, "format": form, "out": str(out)}
        assert out.exists()
    assert shell("export", "--run", run.run, "--out", tmp_path / "out-zip")[0] == 2


def test_verify_downloads_and_says_every_check(hub: LoopbackHub, shell: Shell) -> None:
    status, told, said = shell("verify")
    assert status == 2
    assert said.endswith(f"{KOBERT} failed 2 of 6 checks: do not trust it.\n")
    assert list(told) == [
        *("model", "passed", "kobert", "revision", "directory", "files", "checks"),
    ]
    assert (told["model"], told["passed"], told["kobert"]) == (KOBERT, False, False)
    assert [row["file"] for row in told["files"]] == [
        *("config.json", "spiece.model", "pytorch_model.bin"),
    ]
    assert [row["passed"] for row in told["checks"]] == [True, True, True, True, False, False]
    status, told, said = shell("verify", "--model", "mini")
    assert (status, told["passed"], told["kobert"], said) == (0, True, None, "")


def test_a_file_that_changed_after_its_download_fails(hub: LoopbackHub, shell: Shell) -> None:
    _, told, _ = shell("verify")
    blob = (Path(told["directory"]) / "config.json").resolve()
    blob.write_bytes(blob.read_bytes() + b"\n")
    _, told, _ = shell("verify")
    assert told["checks"][0]["answer"].startswith("Not as on the hub: config.json.")


def test_a_model_that_cannot_be_had_is_said_in_one_sentence(
    hub: LoopbackHub, shell: Shell, tmp_path: Path
) -> None:
    hub.status = 503
    data = write_tsv(tmp_path / "data.tsv")
    for words in (
        ("verify",),
        ("train", data, "--model", KOBERT),
        ("check", data, "--model", KOBERT),
    ):
        status, told, said = shell(*words)
        assert (status, told) == (2, None)
        assert said == "The hub has trouble (HTTP status 503): try again later.\n"


def test_a_notebooks_weights_become_a_run(hub: LoopbackHub, shell: Shell, tmp_path: Path) -> None:
    torch.save({"model_state_dict": notebook_state_dict()}, tmp_path / "my.pt")
    labels = "공포, 놀람,분노"
    status, told, said = shell("import", tmp_path / "my.pt", "--labels", labels)
    assert status == 0, said
    assert list(told) == ["run", "labels", "bundle"]
    assert told["labels"] == ["공포", "놀람", "분노"]
    _, (answer,), _ = shell("classify", "--run", told["run"], "무서워")
    assert list(answer["probabilities"]) == told["labels"]
    _, (listed,), _ = shell("runs")
    assert (listed["status"], listed["name"], listed["model"]) == ("imported", "my.pt", KOBERT)


def test_labels_are_looked_at_before_anything_is_downloaded(
    hub: LoopbackHub, shell: Shell, tmp_path: Path
) -> None:
    torch.save(notebook_state_dict(), tmp_path / "my.pt")
    status, _, said = shell("import", tmp_path / "my.pt", "--labels", "하나")
    assert (status, said.startswith("Give at least two different labels")) == (2, True)
    assert shell("import", tmp_path / "none.pt", "--labels", "가,나")[2].startswith(
        "There is no file"
    )
    assert hub.requests == []


def test_encode_shows_the_pieces_of_any_model(hub: LoopbackHub, shell: Shell) -> None:
    _, told, said = shell("encode", "--model", KOBERT, "안녕하세요")
    assert "KoBERT's vocabulary: No:" in said  # checked when it is first used
    assert told == shell("encode", "안녕하세요")[1]  # it has mini's vocabulary here


def test_the_default_is_kobert_where_it_can_be_had_and_trained(
    hub: LoopbackHub, shell: Shell
) -> None:
    name, why = default_model(gpu=False)
    assert (name, "no GPU was found" in str(why)) == ("mini", True)
    assert default_model(gpu=True)[0] == KOBERT
    hub.status = 503
    name, why = default_model(gpu=True)
    assert (name, "its hub does not answer" in str(why)) == ("mini", True)
    hub.status = None
    shell("verify")
    hub.status = 503
    assert not needs_download(KOBERT)
    assert default_model(gpu=True)[0] == KOBERT


def test_the_shell_looks_for_a_gpu_only_where_there_may_be_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_verbs, "may_have_gpu", lambda: False)
    monkeypatch.setattr(model_verbs, "best_device", lambda: pytest.fail("looked"))
    assert model_verbs.chosen_model(None)[0] == "mini"
    assert model_verbs.chosen_model("klue/bert-base") == ("klue/bert-base", None)
