"""int8 on the CPU: who gets it, and that close answers are those of float32."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from kobert_demo import fast_inference
from kobert_demo.int8_inference import NEAR, Int8Classifier, Int8Linear, multiplies_int8
from kobert_demo.model import new_classifier
from kobert_demo.model_files import find_model
from kobert_demo.predictor import Predictor
from kobert_demo.pretraining_data import read_rows
from kobert_demo.processes import PROJECT
from kobert_demo.vocabularies import read_vocabulary
from tests.families import distilkobert, klue_bert, klue_roberta, kobert, koelectra

COMMENTS = PROJECT.parent / "shared" / "data" / "emotions7-comments.tsv"

pytestmark = pytest.mark.skipif(not multiplies_int8(), reason="this CPU does not multiply bytes")


@pytest.fixture
def in_int8(monkeypatch: pytest.MonkeyPatch) -> Predictor:
    """mini-emotions as on a CPU without units for bfloat16, as if it were large."""
    monkeypatch.setattr(fast_inference, "LARGE", 0)
    monkeypatch.setattr(fast_inference, "has_matrix_units", lambda: False)
    return Predictor("mini-emotions")


def test_int8_is_for_large_models_on_cpus_without_matrix_units(
    in_int8: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_int8.precision == "int8"
    assert Predictor("mini-emotions", exact=True).precision == "float32"
    monkeypatch.setattr(fast_inference, "multiplies_int8", lambda: False)
    assert Predictor("mini-emotions").precision == "float32"
    monkeypatch.undo()
    assert Predictor("mini-emotions").precision == "float32"


@pytest.mark.skipif(not COMMENTS.is_file(), reason="../shared/data is not there")
def test_labels_are_equal_on_nearly_all_real_sentences(in_int8: Predictor) -> None:
    """The whole 5,000 are counted by `make bench`."""
    texts = [row[0] for row in read_rows(COMMENTS)][:1_000]
    quick = in_int8.probabilities(texts)
    exact = Predictor("mini-emotions", exact=True).probabilities(texts)
    assert (quick.argmax(1) == exact.argmax(1)).mean() >= 0.995
    assert (quick != exact).any(1).mean() > 0.5  # most are indeed answered in int8
    assert np.abs(quick - exact).max() < 0.2


def test_a_layer_of_bytes_multiplies_as_the_plain_one() -> None:
    torch.manual_seed(0)
    plain = torch.nn.Linear(64, 48)
    inputs = torch.randn(5, 7, 64)
    with torch.inference_mode():
        expected = plain(inputs)
        assert torch.allclose(Int8Linear(plain)(inputs), expected, atol=0.03)
        plain.bias = None
        assert torch.allclose(Int8Linear(plain)(inputs), plain(inputs), atol=0.03)


@pytest.mark.parametrize("make", [kobert, distilkobert, klue_bert, klue_roberta, koelectra])
def test_close_answers_are_those_of_float32_in_any_family(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    make(tmp_path)
    files = find_model(str(tmp_path))
    pieces = read_vocabulary(files.vocabulary)
    exact = new_classifier(files, ("0", "1", "2"), 0.0, pieces).eval()
    with torch.no_grad():
        for name, weight in exact.named_parameters():
            if not name.startswith(exact.base_model_prefix):
                weight *= 0.1  # so that most labels are close
    quick = Int8Classifier(exact)
    ids = torch.arange(60).reshape(5, 12) + 5
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    with torch.inference_mode():
        expected = exact(input_ids=ids, attention_mask=mask).logits
        found = quick(input_ids=ids, attention_mask=mask).logits
        assert torch.allclose(found, expected, atol=0.1)
        first, second = found.softmax(-1).topk(2).values.T
        close = first - second < NEAR
        assert close.any()
        assert torch.allclose(found[close], expected[close], atol=1e-5)
        ids[1, 7:] = 9  # behind the mask
        again = quick(input_ids=ids, attention_mask=mask).logits
        assert torch.allclose(again, found, atol=0.1)  # it has a say in the scale of the inputs
