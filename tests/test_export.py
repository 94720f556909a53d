"""Exports: what is taken away answers as the bundle does, and is whole or not there."""

import json
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from kobert_demo import onnx_export
from kobert_demo.errors import ModelError
from kobert_demo.export import export
from kobert_demo.model_files import BUILT_IN
from kobert_demo.processes import PROJECT

BUNDLE = BUILT_IN / "mini-emotions"


def test_a_directory_is_a_copy(tmp_path: Path) -> None:
    export(BUNDLE, "directory", tmp_path / "new" / "out")
    for path in BUNDLE.iterdir():
        assert (tmp_path / "new" / "out" / path.name).read_bytes() == path.read_bytes()


def test_a_zip_holds_the_same_and_no_code(tmp_path: Path) -> None:
    export(BUNDLE, "zip", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "there")
    assert sorted(names) == sorted(path.name for path in BUNDLE.iterdir())
    assert not [name for name in names if name.endswith((".py", ".bin", ".pkl"))]
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "there")
    assert "행복" in model.config.label2id


def test_onnx_answers_alike_at_every_size(tmp_path: Path) -> None:
    export(BUNDLE, "onnx", tmp_path / "out.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "out.onnx")
    model = AutoModelForSequenceClassification.from_pretrained(BUNDLE, dtype=torch.float32).eval()
    for rows, tokens in ((1, 2), (1, 512), (7, 33)):
        ids, mask = onnx_export._example(rows, tokens, 1, 8002)
        with torch.no_grad():
            expected = model(input_ids=ids, attention_mask=mask).logits.numpy()
        inputs = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
        (found,) = session.run(["logits"], inputs)
        assert np.abs(found - expected).max() < 1e-4
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["labels"]) == list(model.config.id2label.values())
    assert told["max_length"] == "64"


def test_an_onnx_file_that_answers_otherwise_is_not_handed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "TOLERANCE", 0.0)
    with pytest.raises(ModelError, match="logits differ by"):
        export(BUNDLE, "onnx", tmp_path / "out.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ModelError, match="is there already: give another name"):
        export(BUNDLE, "directory", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("form", ["directory", "zip"])
def test_what_breaks_off_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    def full(*_arguments: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copytree", full)
    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(OSError, match="No space"):
        export(BUNDLE, form, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_not_copied_into_itself(tmp_path: Path) -> None:
    export(BUNDLE, "directory", tmp_path / "copy")
    with pytest.raises(ModelError, match="is within the model itself"):
        export(tmp_path / "copy", "directory", tmp_path / "copy" / "inside")


def test_an_onnx_file_tells_nothing_of_this_machine(tmp_path: Path) -> None:
    export(BUNDLE, "onnx", tmp_path / "out.onnx")
    content = (tmp_path / "out.onnx").read_bytes()
    for path in (str(PROJECT), "site-packages", "Traceback"):
        assert path.encode() not in content
