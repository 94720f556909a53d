"""Notebooks' weights: each that fits becomes a model like any other, and what does not is named."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from kobert_demo.config import TrainingConfig
from kobert_demo.errors import ConfigError, DataError, KobertDemoError, ModelError
from kobert_demo.importing import import_model
from kobert_demo.model import new_classifier
from kobert_demo.model_files import find_model
from kobert_demo.predictor import Predictor
from kobert_demo.runs import Runs
from tests.families import kobert, notebook_state_dict
from tests.models import vocabulary

LABELS = ("공포", "놀람", "분노")


@pytest.fixture
def runs(workspace: Path) -> Runs:
    return Runs(workspace)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("kobert")
    kobert(directory)
    return str(directory)


def bring(
    runs: Runs, base: str, content: Any, tmp_path: Path, labels: tuple[str, ...] = LABELS
) -> str:
    path = tmp_path / "notebook.pt"
    content if content is None else torch.save(content, path)
    return import_model(runs, path, labels, TrainingConfig(base, max_length=32), "notebook.pt")


def said(error: type[KobertDemoError], *arguments: Any) -> str:
    with pytest.raises(error) as caught:
        bring(*arguments)
    assert caught.value.in_language("ko")
    return str(caught.value)


@pytest.mark.parametrize("wrapper", [None, "model", "model_state_dict", "state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_every_way_of_saving_gives_the_same_model(
    runs: Runs, base: str, tmp_path: Path, wrapper: str | None, prefix: str
) -> None:
    tensors = notebook_state_dict()
    saved: Any = {f"{prefix}{name}": tensor for name, tensor in tensors.items()}
    saved[f"{prefix}bert.embeddings.position_ids"] = torch.arange(512)
    run = bring(runs, base, {"epoch": 5, wrapper: saved} if wrapper else saved, tmp_path)
    predictor = Predictor(str(runs.bundle(run)))
    assert (predictor.labels, predictor.max_length) == (LABELS, 32)
    model = new_classifier(find_model(base), LABELS, 0.5, vocabulary()).eval()
    model.load_state_dict(tensors)
    ids = torch.tensor([predictor.predict(["정말 무서웠어요"])[0].encoding.input_ids])
    with torch.no_grad():
        expected = model(input_ids=ids).logits.softmax(-1)[0].tolist()
    (answer,) = predictor.predict(["정말 무서웠어요"])
    assert list(answer.probabilities.values()) == pytest.approx(expected, abs=1e-6)


def test_an_imported_run_stands_among_the_others(runs: Runs, base: str, tmp_path: Path) -> None:
    run = bring(runs, base, notebook_state_dict(), tmp_path)
    (listed,) = runs.list()
    assert (listed.run, listed.status, listed.name) == (run, "imported", "notebook.pt")
    assert not listed.active
    card = (runs.bundle(run) / "README.md").read_text(encoding="utf-8")
    assert "Weights imported from a state_dict" in card
    assert "Nobody has measured it here" in card


def test_all_that_does_not_fit_is_named_together(runs: Runs, base: str, tmp_path: Path) -> None:
    tensors = notebook_state_dict()
    del tensors["bert.pooler.dense.bias"]
    tensors["lstm.weight"] = torch.zeros(1)
    tensors["bert.embeddings.word_embeddings.weight"] = torch.zeros(8002, 8)
    tensors["classifier.bias"][0] = torch.nan
    sentence = said(ModelError, runs, base, tensors, tmp_path)
    assert "These tensors are missing: bert.pooler.dense.bias." in sentence
    assert "These tensors are of another model: lstm.weight." in sentence
    assert "bert.embeddings.word_embeddings.weight (8002 x 8, not 8002 x 16)." in sentence
    assert "These tensors hold no finite numbers: classifier.bias." in sentence
    assert runs.list() == []


def test_another_number_of_labels_is_said(runs: Runs, base: str, tmp_path: Path) -> None:
    sentence = said(ModelError, runs, base, notebook_state_dict(7), tmp_path)
    assert "It was trained with 7 labels, but 3 were given" in sentence
    assert "shape" not in sentence


@pytest.mark.parametrize("labels", [("하나",), ("가", "가"), ("가", "")])
def test_labels_that_cannot_be_are_refused(
    runs: Runs, base: str, tmp_path: Path, labels: tuple[str, ...]
) -> None:
    sentence = said(DataError, runs, base, notebook_state_dict(2), tmp_path, labels)
    assert "at least two different labels" in sentence


def test_a_whole_pickled_model_is_refused_with_the_way_out(
    runs: Runs, base: str, tmp_path: Path
) -> None:
    model = new_classifier(find_model(base), LABELS, 0.5, vocabulary())
    refusal, *lines = said(ModelError, runs, base, model, tmp_path).split("\n")
    assert refusal.startswith("notebook.pt holds more than tensors")
    assert len(lines) == 3
    monkey = tmp_path / "there"
    monkey.mkdir()
    code = "\n".join(lines).replace("notebook.pt", str(tmp_path / "notebook.pt"))
    exec(code.replace("state_dict.pt", str(monkey / "state_dict.pt")))
    content = torch.load(monkey / "state_dict.pt", weights_only=True)
    assert bring(runs, base, content, tmp_path)


class Trap:
    """A pickle that would write a file where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({str(self.path)!r}, 'w')",)


def test_a_malicious_file_is_refused_and_does_not_run(
    runs: Runs, base: str, tmp_path: Path
) -> None:
    (tmp_path / "notebook.pt").write_bytes(pickle.dumps({"bert": Trap(tmp_path / "ran")}, 2))
    said(ModelError, runs, base, None, tmp_path)
    said(ModelError, runs, base, {"bert": Trap(tmp_path / "ran")}, tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content", [[1, 2], {}, {"a": 1}, {1: torch.zeros(1)}, {"model": {}}, torch.zeros(2)]
)
def test_what_is_no_state_dict_is_refused(
    runs: Runs, base: str, tmp_path: Path, content: object
) -> None:
    assert "holds no state_dict" in said(ModelError, runs, base, content, tmp_path)


@pytest.mark.parametrize("content", [b"", b"no torch file", b"PK\x03\x04" + b"\0" * 40])
def test_a_damaged_file_is_refused(runs: Runs, base: str, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notebook.pt").write_bytes(content)
    assert "holds no state_dict" in said(ModelError, runs, base, None, tmp_path)


@pytest.mark.parametrize(
    ("tensor", "problem"),
    [
        (torch.zeros(3, 16).to_sparse(), "no finite numbers: classifier.weight"),
        (torch.zeros(3, 16, dtype=torch.int64), "no finite numbers: classifier.weight"),
        (torch.full((3, 16), 1e300, dtype=torch.float64), "no finite numbers: classifier.weight"),
        (torch.zeros(1).expand(2**33), "another shape: classifier.weight (8589934592, not 3 x 16)"),
        (torch.zeros(()), "another shape: classifier.weight (1, not 3 x 16)"),
    ],
)
def test_tensors_that_are_no_weights_are_named(
    runs: Runs, base: str, tmp_path: Path, tensor: torch.Tensor, problem: str
) -> None:
    tensors = {**notebook_state_dict(3), "classifier.weight": tensor}
    assert problem in said(ModelError, runs, base, tensors, tmp_path)


def test_a_dictionary_that_holds_itself_ends(runs: Runs, base: str, tmp_path: Path) -> None:
    content: dict[str, Any] = {"epoch": 1}
    content["model"] = content
    assert "holds no state_dict" in said(ModelError, runs, base, content, tmp_path)


def test_half_precision_and_nested_wrappers_are_taken(
    runs: Runs, base: str, tmp_path: Path
) -> None:
    halved = {f"model.module.{name}": t.half() for name, t in notebook_state_dict(3).items()}
    run = bring(runs, base, {"state_dict": {"model": halved}, "epoch": 3}, tmp_path)
    assert Predictor(str(runs.bundle(run))).labels == LABELS


def test_many_foreign_tensors_are_counted(runs: Runs, base: str, tmp_path: Path) -> None:
    foreign = {f"layer.{number}": torch.zeros(1) for number in range(500)}
    sentence = said(ModelError, runs, base, {**notebook_state_dict(3), **foreign}, tmp_path)
    assert "… + 480" in sentence
    assert len(sentence) < 1_000


def test_more_pieces_than_the_model_reads_are_refused(runs: Runs, tmp_path: Path) -> None:
    kobert(tmp_path / "short", max_position_embeddings=20)
    torch.save(notebook_state_dict(3, max_position_embeddings=20), tmp_path / "my.pt")
    config = TrainingConfig(str(tmp_path / "short"), max_length=32)
    with pytest.raises(ConfigError, match="reads 20 pieces at most"):
        import_model(runs, tmp_path / "my.pt", LABELS, config, "my.pt")
    assert runs.list() == []


def test_what_cannot_be_kept_leaves_nothing(
    runs: Runs, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs.store, "add_imported", full)
    with pytest.raises(OSError, match="No space"):
        bring(runs, base, notebook_state_dict(3), tmp_path)
    assert list((runs.workspace / "runs").iterdir()) == []
