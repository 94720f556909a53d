"""Bundles and predictions: what was trained is what answers, and nothing is half written."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from kobert_demo.bundle import ANSWERS, read_answers, save_bundle
from kobert_demo.encoding import encode
from kobert_demo.errors import ModelError
from kobert_demo.events import Evaluation
from kobert_demo.predictor import Predictor
from kobert_demo.store import Row
from tests.models import tiny_model, vocabulary

TEXTS = ["행복해요", "", "정말 길고 긴 문장을 아주 길게 써 봅니다 " * 3, "<b>굵게</b> 漢字 🎉"]
LABELS = ["분노", "행복", "a|b"]


def record() -> Row:
    return {
        "config": {"model": "mini", "max_length": 24, "epochs": 1},
        "labels": LABELS,
        "data": {"train_rows": 8, "test_rows": 6, "train_sha256": "0" * 64, "majority": 0.5},
    }


def evaluation() -> Evaluation:
    counts = np.array([[2, 0, 0], [1, 1, 0], [0, 0, 2]])
    answers = np.array([[0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 2, 2]])
    return Evaluation(7, 1, 0.5, 5 / 6, 0.82, counts, answers)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    model = tiny_model(labels=3)
    model.config.id2label = dict(enumerate(LABELS))
    save_bundle(tmp_path / "bundle-7", model, vocabulary(), record(), evaluation())
    return tmp_path / "bundle-7"


def test_predictions_are_the_models_own_softmax(bundle: Path) -> None:
    predictions = Predictor(str(bundle)).predict(TEXTS)
    model = tiny_model(labels=3).eval()
    for text, prediction in zip(TEXTS, predictions, strict=True):
        ids = torch.tensor([encode(text, vocabulary(), 24).input_ids])
        with torch.no_grad():
            expected = model(input_ids=ids).logits.softmax(-1)[0].tolist()
        assert list(prediction.probabilities) == LABELS
        assert list(prediction.probabilities.values()) == pytest.approx(expected, abs=1e-5)
        assert prediction.label == LABELS[int(np.argmax(expected))]
        assert prediction.text == text


def test_training_and_classification_read_a_sentence_alike(bundle: Path) -> None:
    (prediction,) = Predictor(str(bundle)).predict([TEXTS[2]])
    assert prediction.encoding == encode(TEXTS[2], vocabulary(), max_length=24)
    assert prediction.encoding.valid_length == 24


def test_a_bundle_is_a_hugging_face_directory(bundle: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(bundle)
    assert model.config.id2label == dict(enumerate(LABELS))
    suffixes = {path.suffix for path in bundle.iterdir()}
    assert suffixes == {".json", ".md", ".npy", ".safetensors", ".spiece"}


def test_what_was_answered_in_the_test_is_kept_in_the_bundle(bundle: Path) -> None:
    answers = read_answers(bundle)
    assert answers is not None
    assert answers.tolist() == evaluation().answers.tolist()
    (bundle / ANSWERS).write_bytes(b"damaged")
    assert read_answers(bundle) is None
    (bundle / ANSWERS).unlink()
    assert read_answers(bundle) is None


def test_the_model_card_tells_the_figures(bundle: Path) -> None:
    card = (bundle / "README.md").read_text(encoding="utf-8")
    assert "accuracy 0.8333, macro-F1 0.8200" in card
    assert "| `행복` | 2 | 0.500 | 1.000 |" in card
    assert json.loads((bundle / "record.json").read_text(encoding="utf-8")) == record()


@pytest.mark.parametrize("content", ["{", "{}", '{"config": {"max_length": "long"}}', "[]"])
def test_a_bundle_whose_record_is_damaged_is_refused(bundle: Path, content: str) -> None:
    (bundle / "record.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"record.json cannot be read"):
        Predictor(str(bundle))


def test_everybody_may_read_a_bundle(bundle: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in bundle.iterdir()} == {0o644}


def test_a_bundle_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    broken = {**record(), "labels": LABELS[:1]}
    with pytest.raises(ValueError, match="zip"):
        save_bundle(tmp_path / "bundle", tiny_model(labels=3), vocabulary(), broken, evaluation())
    assert list(tmp_path.iterdir()) == []


def test_what_leaves_the_machine_tells_nothing_of_it(tmp_path: Path) -> None:
    told = record()
    told |= {"host": {"system": "secret-host"}, "weights": str(tmp_path / "secret" / "mine")}
    told["config"] = {**told["config"], "model": str(tmp_path / "secret" / "mine")}
    save_bundle(tmp_path / "bundle", tiny_model(labels=3), vocabulary(), told, evaluation())
    for path in (tmp_path / "bundle").iterdir():
        assert b"secret" not in path.read_bytes(), path.name
    assert "`mine`" in (tmp_path / "bundle" / "README.md").read_text(encoding="utf-8")


def test_labels_do_not_break_the_table_of_the_card(bundle: Path) -> None:
    card = (bundle / "README.md").read_text(encoding="utf-8")
    assert "| `a\\|b` | 2 | 1.000 | 1.000 |" in card


def test_answers_that_are_no_numbers_are_no_answers(tmp_path: Path) -> None:
    model = tiny_model(labels=3)
    model.classifier.bias.data[0] = torch.nan
    save_bundle(tmp_path / "bundle", model, vocabulary(), record(), evaluation())
    with pytest.raises(ModelError, match="values that are no numbers"):
        Predictor(str(tmp_path / "bundle")).predict(["안녕"])


@pytest.mark.parametrize("max_length", [100_000, -3, 1e400])
def test_a_length_that_the_model_cannot_read_is_refused(bundle: Path, max_length: float) -> None:
    told = {**record(), "config": {"max_length": max_length}}
    (bundle / "record.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(ModelError, match=r"record.json cannot be read"):
        Predictor(str(bundle))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
def test_a_gpu_answers_as_the_cpu_does(bundle: Path) -> None:
    exact = Predictor(str(bundle), exact=True).probabilities(TEXTS)
    for halved, near in ((False, 1e-4), (True, 2e-2)):
        predictor = Predictor(str(bundle), exact=not halved, device="cuda")
        assert predictor.precision == ("bfloat16" if halved else "float32")
        assert np.allclose(predictor.probabilities(TEXTS), exact, atol=near)
