"""bfloat16 on the CPU: the answers stay, and whoever wants float32 gets it."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from kobert_demo import fast_inference
from kobert_demo.device import multiplies_bfloat16
from kobert_demo.fast_inference import in_bfloat16, quick_precision
from kobert_demo.model import load_classifier, new_classifier
from kobert_demo.model_files import find_model
from kobert_demo.predictor import Predictor
from kobert_demo.vocabularies import read_vocabulary
from tests.families import distilkobert, klue_bert, klue_roberta, kobert, koelectra
from tests.models import save_tiny_model, vocabulary

TEXTS = [
    "오랜만에 친구를 만나서 정말 즐거웠어요!",
    "우웩 더러워",
    "으악 귀신이다 살려줘",
    "그냥 그래요",
]
needs_bfloat16 = pytest.mark.skipif(
    not multiplies_bfloat16("cpu"), reason="this CPU does not multiply bfloat16"
)


def test_small_models_answer_in_float32() -> None:
    assert quick_precision(find_model("mini").shape) == "float32"
    assert Predictor("mini-emotions").precision == "float32"


def test_a_gpu_halves_models_of_every_size() -> None:
    shape = find_model("mini").shape
    assert [quick_precision(shape, kind) for kind in ("cuda", "mps")] == ["bfloat16", "float32"]


@needs_bfloat16
def test_packed_layers_give_the_numbers_of_plain_ones() -> None:
    model = load_classifier(find_model("mini-emotions"), vocabulary()).bfloat16()
    packed = in_bfloat16(copy.deepcopy(model))
    for rows, tokens in ((1, 7), (5, 33)):
        ids = torch.arange(rows * tokens).reshape(rows, tokens) + 5
        with torch.inference_mode():
            assert torch.allclose(
                packed(input_ids=ids).logits, model(input_ids=ids).logits, atol=2e-2
            )


@needs_bfloat16
@pytest.mark.parametrize("make", [kobert, distilkobert, klue_bert, klue_roberta, koelectra])
def test_padding_is_not_looked_at_in_any_family(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    make(tmp_path)
    files = find_model(str(tmp_path))
    pieces = read_vocabulary(files.vocabulary)
    model = new_classifier(files, ("0", "1"), 0.0, pieces).eval().bfloat16()
    packed = in_bfloat16(copy.deepcopy(model))
    ids = torch.arange(24).reshape(2, 12) + 5
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    with torch.inference_mode():
        expected = model(input_ids=ids, attention_mask=mask).logits
        found = packed(input_ids=ids, attention_mask=mask).logits
        assert torch.allclose(found, expected, atol=2e-2)
        ids[1, 7:] = 9  # behind the mask
        assert torch.equal(packed(input_ids=ids, attention_mask=mask).logits, found)


@needs_bfloat16
def test_a_large_model_answers_alike_in_bfloat16(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fast_inference, "LARGE", 0)
    monkeypatch.setattr(fast_inference, "has_matrix_units", lambda: True)
    fast, exact = Predictor("mini-emotions"), Predictor("mini-emotions", exact=True)
    assert (fast.precision, exact.precision) == ("bfloat16", "float32")
    for one, other in zip(fast.predict(TEXTS), exact.predict(TEXTS), strict=True):
        assert one.label == other.label
        assert list(one.probabilities.values()) == pytest.approx(
            list(other.probabilities.values()), abs=0.03
        )
    assert Predictor(str(save_tiny_model(tmp_path))).precision == "bfloat16"
