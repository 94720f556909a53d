"""The models that ship: what they are, how they read, and that they do what their cards say."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, BertModel

from kobert_demo.batches import evaluation_batches
from kobert_demo.bundle import read_record
from kobert_demo.calibration import cross_fitted_error, fit_temperature
from kobert_demo.cli import main
from kobert_demo.encoded import encode_texts
from kobert_demo.encoding import encode
from kobert_demo.model import load_classifier
from kobert_demo.model_files import BUILT_IN, READY_MADE, find_model
from kobert_demo.predictor import Predictor
from kobert_demo.pretraining_data import EMOTIONS
from kobert_demo.ready_made import (
    OWN_DATA,
    compute_logits,
    encode_rows,
    measure,
    read_judges,
    read_labelled,
    read_sentences,
)
from kobert_demo.runs import Runs
from kobert_demo.sentence_pieces import SentencePieces

SHARED = Path(__file__).parents[2] / "shared" / "data"
MODELS = ("mini", READY_MADE)
MEBIBYTES_12 = 12 * 2**20
IDS = [
    ("오늘 정말 행복해요!", [664, 28, 689, 615, 8]),
    ("너무 화가 나서 잠이 안 와", [25, 3816, 2667, 1025, 7, 57, 341]),
    ("무서워서 혼자 못 자겠어요ㅠㅠ", [3034, 54, 1188, 125, 283, 4143, 449]),
    ("ㅋㅋㅋㅋ 진짜 웃기다", [700, 39, 4204]),
    ("헐 대박... 이게 무슨 일이야?", [1963, 391, 5, 5, 5, 266, 422, 256, 1109, 21]),
    ("그냥 그래요.", [70, 1362, 56, 5]),
    ("냄새가 너무 역겨워", [6, 4370, 13, 25, 1049, 445, 363]),
    ("내일은 오후 3시에 회의가 있습니다.", [5066, 18, 146, 436, 171, 77, 16, 2026, 9, 13, 423, 5]),
    ("KoBERT로 감정을 분류합니다", [5067, 469, 2450, 1960, 3416, 1924, 27, 3074, 877, 482, 197]),
    ("漢字 한글 English 123", [6, 0, 6, 0, 67, 803, 4040, 1059, 749, 903, 2825, 1239, 2440, 600]),
    ("「따옴표」 안의 말", [6, 7670, 1501, 5115, 1112, 6, 7880, 57, 9, 136]),
    ("ㅎㅎ 고마워^^", [251, 5313, 32, 32]),
    ("이 영화, 돈이 아까웠다;;", [26, 10, 11, 3368, 6, 4944, 20, 45, 45]),
    ("ｆｕｌｌ\u3000ｗｉｄｔｈ", [2986, 6553, 903, 2064, 5944, 3826]),
    ("한글", [67, 803]),
    ("쀍", [6, 0]),
    ("🎉축하해요🎉", [6, 0, 1631, 96, 615, 0]),
    ("a-b_c@d.com", [3596, 108, 1215, 6, 7986, 2558, 6, 7976, 2433, 5, 6886]),
    ("할머니가 보고 싶다 눈물이 난다", [3401, 13, 83, 555, 863, 2996]),
    ("최고의 하루였어 최고의 하루였어", [120, 2077, 4383, 120, 2077, 4383]),
]


def card(model: str) -> str:
    return (BUILT_IN / model / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ready_made() -> Predictor:
    return Predictor(READY_MADE)


@pytest.mark.parametrize("model", MODELS)
def test_weights_are_small_whole_and_those_of_the_card(model: str) -> None:
    path = BUILT_IN / model / "model.safetensors"
    assert path.stat().st_size <= MEBIBYTES_12
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card(model)
    weights = load_file(path)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    assert all(tensor.isfinite().all() for tensor in weights.values())


def test_the_encoder_has_the_shape_of_its_card() -> None:
    model = BertModel.from_pretrained(BUILT_IN / "mini")
    shape = model.config
    assert (shape.num_hidden_layers, shape.hidden_size, shape.num_attention_heads) == (4, 256, 4)
    assert (shape.intermediate_size, shape.max_position_embeddings) == (1024, 512)
    assert 5.3e6 < model.num_parameters() < 5.5e6


def test_both_models_read_alike() -> None:
    first, second = (next((BUILT_IN / model).glob("*.spiece")).read_bytes() for model in MODELS)
    assert first == second


@pytest.mark.parametrize(("text", "ids"), IDS)
def test_sentences_become_these_ids(text: str, ids: list[int]) -> None:
    vocabulary = SentencePieces(BUILT_IN / "mini" / "mini.spiece")
    assert encode(text, vocabulary, 64).input_ids == (2, *ids, 3)


def pooled(texts: list[str], vocabulary: SentencePieces, model: BertModel) -> np.ndarray:
    """Return what the pooler says of each text: (texts, width), each of length 1."""
    encoded = encode_texts(texts, np.arange(len(texts)), vocabulary, 64)
    vectors = np.zeros((len(texts), model.config.hidden_size))
    with torch.inference_mode():
        for batch in evaluation_batches(encoded, 64):
            said = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
            vectors[batch.labels.numpy()] = said.pooler_output.numpy()
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_encoder_tells_emotions_apart_before_any_fine_tuning_as_its_card_says() -> None:
    """The label of the nearest mean of the sample's pooled sentences, for everyday sentences."""
    model = BertModel.from_pretrained(BUILT_IN / "mini", dtype=torch.float32).eval()
    vocabulary = SentencePieces(BUILT_IN / "mini" / "mini.spiece")
    learnt, tested = (read_labelled(OWN_DATA / name) for name in ("sample.tsv", "everyday.tsv"))
    vectors = pooled([text for text, _ in learnt], vocabulary, model)
    labels = np.array([label for _, label in learnt])
    means = np.array([vectors[labels == emotion].mean(0) for emotion in EMOTIONS])
    nearest = (pooled([text for text, _ in tested], vocabulary, model) @ means.T).argmax(1)
    right = sum(EMOTIONS[i] == label for i, (_, label) in zip(nearest, tested, strict=True))
    found = re.search(r"right on ([0-9]+) of the 140 everyday sentences", card("mini"))
    assert found
    assert right == pytest.approx(int(found[1]), abs=1)


def test_the_sample_trains_to_the_figure_of_the_card(tmp_path: Path) -> None:
    workspace = str(tmp_path / "workspace")
    half = str(OWN_DATA / "sample-test.tsv")
    words = ["train", str(OWN_DATA / "sample.tsv"), "--test", half, "--workspace", workspace]
    assert main(words) == 0
    (run,) = Runs(tmp_path / "workspace").list()
    found = re.search(r"\| the sample: [^|]*\| (0\.\d+) ±", card("mini"))
    assert found
    assert run.accuracy == pytest.approx(float(found[1]), abs=0.04)


def test_the_classifier_is_as_good_on_everyday_sentences_as_its_card_says(
    ready_made: Predictor,
) -> None:
    found = measure(ready_made, read_labelled(OWN_DATA / "everyday.tsv"))
    told = read_record(BUILT_IN / READY_MADE)["measured"]["everyday"]
    assert found["accuracy"] == pytest.approx(told["accuracy"], abs=0.01)
    assert f"{told['accuracy']:.3f}" in card(READY_MADE)
    assert found["accuracy"] >= 0.8
    assert min(found["recall"].values()) >= 0.6


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")
def test_its_confidence_is_honest_on_comments_that_it_never_learnt_from() -> None:
    files = find_model(READY_MADE)
    vocabulary = SentencePieces(files.vocabulary)
    model = load_classifier(files, vocabulary)
    logits, labels = compute_logits(model, encode_rows(read_sentences(SHARED)[1], vocabulary))
    error = cross_fitted_error(logits, labels)
    told = read_record(BUILT_IN / READY_MADE)["calibration_error"]
    assert error == pytest.approx(told, abs=0.005)
    assert f"{told:.3f}" in card(READY_MADE)
    assert error <= 0.04
    assert fit_temperature(logits, labels) == pytest.approx(1.0, abs=0.03)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")
def test_the_classifier_is_as_good_on_comments_as_its_card_says(ready_made: Predictor) -> None:
    found = measure(ready_made, read_judges(SHARED)["comments"])
    told = read_record(BUILT_IN / READY_MADE)["measured"]["comments"]
    assert found["accuracy"] == pytest.approx(told["accuracy"], abs=0.005)
    assert f"{told['accuracy']:.3f}" in card(READY_MADE)


def test_the_classifier_works_without_this_project() -> None:
    model = AutoModelForSequenceClassification.from_pretrained(BUILT_IN / READY_MADE)
    assert tuple(model.config.id2label.values()) == EMOTIONS
