"""Every encoder that people use for Korean: from the hub to a classifier that works without us."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import close_session, constants
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from kobert_demo.bundle import save_bundle
from kobert_demo.config import TrainingConfig
from kobert_demo.download import download_model
from kobert_demo.encoded import encode_texts
from kobert_demo.encoding import encode
from kobert_demo.events import Evaluation, TrainStep
from kobert_demo.export import export
from kobert_demo.model import new_classifier
from kobert_demo.model_files import find_model, needs_download
from kobert_demo.predictor import Predictor
from kobert_demo.training import train
from kobert_demo.vocabularies import read_vocabulary
from tests.families import FAMILIES
from tests.loopback_hub import LoopbackHub
from tests.models import EIGHT

LABELS = ("행복", "분노")
TEXTS = [*(text for text, _ in EIGHT), "ㅋㅋㅋ 漢字 ＡＢＣ [MASK] 🎉 " * 20]
CONFIG = TrainingConfig(max_length=24, batch_size=4, epochs=10, learning_rate=5e-3)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackHub]:
    """A hub that serves all of them, and an empty cache."""
    cache = tmp_path_factory.mktemp("cache")
    with LoopbackHub() as served, pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_CACHE", str(cache))
        patch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        patch.setattr(constants, "ENDPOINT", served.endpoint)
        template = served.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        for repo, make in FAMILIES.items():
            directory = tmp_path_factory.mktemp("repository")
            torch.manual_seed(0)
            make(directory)
            served.add(repo, directory)
        yield served
    close_session()


@pytest.fixture(scope="module", params=FAMILIES)
def bundle(
    request: pytest.FixtureRequest, hub: LoopbackHub, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What became of a family after its download and twenty steps."""
    name: str = request.param
    if needs_download(name):
        download_model(name, lambda done, total: None)
    assert not needs_download(name)
    files = find_model(name)
    vocabulary = read_vocabulary(files.vocabulary)
    torch.manual_seed(0)
    model = new_classifier(files, LABELS, 0.1, vocabulary)
    data = encode_texts(
        [text for text, _ in EIGHT], np.array([label for _, label in EIGHT]), vocabulary, 24
    )
    events = list(train(model, data, data, CONFIG))
    assert sum(isinstance(event, TrainStep) for event in events) == 20
    first, *_, last = [event for event in events if isinstance(event, Evaluation)]
    assert last.loss < first.loss
    record = {
        "config": {"model": name, "max_length": 24},
        "labels": list(LABELS),
        "data": {"train_rows": 8, "test_rows": 8, "train_sha256": "0" * 64, "majority": 0.5},
    }
    path = tmp_path_factory.mktemp("run") / "bundle"
    save_bundle(path, model.eval(), vocabulary, record, last)
    return path


def test_it_classifies_and_its_logits_are_those_of_transformers_alone(bundle: Path) -> None:
    predictor = Predictor(str(bundle))
    answers = predictor.predict(TEXTS)
    model = AutoModelForSequenceClassification.from_pretrained(bundle).eval()
    assert model.config.id2label == dict(enumerate(LABELS))
    for text, answer in zip(TEXTS, answers, strict=True):
        ids = torch.tensor([encode(text, predictor.vocabulary, 24).input_ids])
        with torch.no_grad():
            expected = model(input_ids=ids).logits.softmax(-1)[0].tolist()
        assert list(answer.probabilities.values()) == pytest.approx(expected, abs=1e-5)


def test_every_weight_takes_part_in_a_step(bundle: Path) -> None:
    """Several processes wait for the gradients of every weight."""
    model = AutoModelForSequenceClassification.from_pretrained(bundle)
    ids = torch.tensor([encode(TEXTS[0], Predictor(str(bundle)).vocabulary, 24).input_ids])
    model(input_ids=ids, labels=torch.tensor([1])).loss.backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


def test_its_tokenizer_is_that_of_transformers_too(bundle: Path) -> None:
    vocabulary = Predictor(str(bundle)).vocabulary
    tokenizer = AutoTokenizer.from_pretrained(bundle)
    for text in TEXTS:
        ids = list(encode(text, vocabulary, 24).input_ids)
        assert tokenizer(text, truncation=True).input_ids == ids
    classify = pipeline("text-classification", str(bundle), top_k=None)
    told = classify(TEXTS, truncation=True)
    for answer, scores in zip(Predictor(str(bundle)).predict(TEXTS), told, strict=True):
        for score in scores:
            assert score["score"] == pytest.approx(answer.probabilities[score["label"]], abs=1e-5)


CLEAN = """
import json, sys
sys.modules["sentencepiece"] = sys.modules["kobert_demo"] = None
from transformers import pipeline
classify = pipeline("text-classification", sys.argv[1])
print(json.dumps(classify(["오늘 정말 행복해요", "ㅋㅋ 漢字!! " * 40], truncation=True)))
"""


@pytest.mark.parametrize("bundle", ["skt/kobert-base-v1"], indirect=True)
def test_it_works_where_there_is_neither_this_project_nor_sentencepiece(bundle: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-I", "-c", CLEAN, str(bundle)],
        cwd=bundle.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(finished.stdout)
    answers = Predictor(str(bundle)).predict(["오늘 정말 행복해요", "ㅋㅋ 漢字!! " * 40])
    for answer, found in zip(answers, told, strict=True):
        assert found["label"] == answer.label
        assert found["score"] == pytest.approx(answer.probabilities[answer.label], abs=1e-5)


@pytest.mark.parametrize("form", ["directory", "zip", "onnx"])
def test_it_is_exported(bundle: Path, form: str, tmp_path: Path) -> None:
    export(bundle, form, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
