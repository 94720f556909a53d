"""One sentence, and a file of them: ours against the notebook's way; and what bfloat16 changes."""

import statistics
from collections.abc import Callable

import torch
from transformers import BertModel

from benchmarks import notebook_loop
from benchmarks.harness import Result, alternate, seconds
from benchmarks.models import EMOTIONS, kobert_sized, reddit, vocabulary
from kobert_demo.fast_inference import quick_precision
from kobert_demo.int8_inference import Int8Classifier
from kobert_demo.model_files import ModelFiles, find_model
from kobert_demo.predictor import Predictor

SENTENCE = "오랜만에 친구를 만나서 밤새 이야기했더니 정말 즐거웠어요!"
CALLS = 9
SURE = 100  # times the last layer's weights: random ones find all labels alike, and int8 asks again


def run(quick: bool) -> list[Result]:
    large = kobert_sized()
    predictors = [in_int8(large.name, SURE)]
    if quick_precision(large.shape) == "bfloat16":
        predictors.insert(0, Predictor(large.name))
    return [
        *(
            row
            for predictor in predictors
            for row in measured("KoBERT size", predictor, large, quick)
        ),
        *measured("mini", Predictor("mini-emotions"), find_model("mini-emotions"), quick),
    ]


def in_int8(name: str, confidence: float = 1) -> Predictor:
    """Return a predictor as on a CPU that multiplies bytes but not bfloat16.

    Args:
        confidence: what the last layer is multiplied with. Random weights find all labels alike, and every
            sentence would be asked again in float32.
    """
    predictor = Predictor(name, exact=True)
    with torch.no_grad():
        predictor._model.classifier.weight *= confidence
    predictor._model, predictor.precision = Int8Classifier(predictor._model), "int8"
    return predictor


def measured(size: str, predictor: Predictor, files: ModelFiles, quick: bool) -> list[Result]:
    bert = BertModel.from_pretrained(files.directory, dtype=torch.float32)
    model = notebook_loop.Classifier(bert, len(EMOTIONS)).eval()
    texts, labels = reddit(128 if quick else 256)
    data = notebook_loop.Sentences(texts, labels, vocabulary())
    cpu = torch.device("cpu")

    def one(work: Callable[[], object]) -> float:
        return 1000 * statistics.median(seconds(work) for _ in range(CALLS))

    def score(work: Callable[[], object]) -> float:
        return len(texts) / seconds(work)

    single = alternate(
        3 if quick else 9,
        lambda: one(lambda: predictor.predict([SENTENCE])),
        lambda: one(lambda: notebook_loop.classify(model, SENTENCE, vocabulary())),
    )
    many = alternate(
        2 if quick else 5,
        lambda: score(lambda: predictor.predict(texts)),
        lambda: score(lambda: list(notebook_loop.predict(model, data, cpu))),
    )
    how = f"{size}, CPU, {predictor.precision}"
    chosen = predictor.precision == quick_precision(files.shape)  # else: as on another CPU
    least = (4.0, 6.0) if size == "KoBERT size" and chosen else (1.0, 1.0)
    return [
        Result(f"one sentence, {how}", "ms", *single, least[0]),
        Result(f"scoring a file, {how}", "sentences/s", *many, least[1]),
    ]
