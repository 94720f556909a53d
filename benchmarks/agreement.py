"""What the quick precisions change: their answers against those of float32, on 5,000 real sentences.

`BENCH=quick` asks 1,000 of them.
"""

import numpy as np
import torch

from benchmarks.inference_speed import in_int8
from benchmarks.models import DATA
from kobert_demo.fast_inference import in_bfloat16
from kobert_demo.int8_inference import Int8Classifier
from kobert_demo.predictor import Predictor
from kobert_demo.pretraining_data import read_rows


def run(quick: bool) -> dict[str, dict[str, float]]:
    """Return, for each precision, how often labels are equal and how far probabilities are apart."""
    rows = [row[0] for row in read_rows(DATA / "emotions7-comments.tsv")]
    rows += [row[1] for row in read_rows(DATA / "nsmc-ratings-20k.tsv")]
    rows = rows[: 1_000 if quick else 5_000]
    exact = Predictor("mini-emotions", exact=True)
    halved = Predictor("mini-emotions", exact=True)
    halved._model = in_bfloat16(halved._model)
    true = exact.probabilities(rows)
    found = {}
    for name, predictor in (("bfloat16", halved), ("int8", in_int8("mini-emotions"))):
        asked = 0

        def count(_module: object, _args: object, given: dict[str, torch.Tensor]) -> None:
            nonlocal asked
            asked += len(given["input_ids"])

        if isinstance(predictor._model, Int8Classifier):
            predictor._model.exact.register_forward_pre_hook(count, with_kwargs=True)
        said = predictor.probabilities(rows)
        found[name] = {
            "equal labels": float((said.argmax(1) == true.argmax(1)).mean()),
            "largest change of a probability": float(np.abs(said - true).max()),
            "asked again in float32": asked / len(said),
        }
    return found
