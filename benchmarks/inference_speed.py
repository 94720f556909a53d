"""One sentence, and a file of them: ours against the notebook's way; and what bfloat16 changes."""

import statistics
from collections.abc import Callable

import numpy as np
import torch
from transformers import BertModel

from benchmarks import notebook_loop
from benchmarks.harness import Result, alternate, seconds
from benchmarks.models import DATA, EMOTIONS, kobert_sized, reddit, vocabulary
from kobert_demo import fast_inference
from kobert_demo.model_files import ModelFiles, find_model
from kobert_demo.predictor import Predictor
from kobert_demo.pretraining_data import read_rows

SENTENCE = "오랜만에 친구를 만나서 밤새 이야기했더니 정말 즐거웠어요!"
CALLS = 9


def run(quick: bool) -> list[Result]:
    sizes = (("KoBERT size", kobert_sized()), ("mini", find_model("mini-emotions")))
    return [result for size, files in sizes for result in measured(size, files, quick)]


def measured(size: str, files: ModelFiles, quick: bool) -> list[Result]:
    bert = BertModel.from_pretrained(files.directory, dtype=torch.float32)
    model = notebook_loop.Classifier(bert, len(EMOTIONS)).eval()
    predictor = Predictor(files.name)
    texts, labels = reddit(128 if quick else 256)
    data = notebook_loop.Sentences(texts, labels, vocabulary())
    cpu = torch.device("cpu")

    def one(work: Callable[[], object]) -> float:
        return 1000 * statistics.median(seconds(work) for _ in range(CALLS))

    def score(work: Callable[[], object]) -> float:
        return len(texts) / seconds(work)

    single = alternate(
        5 if quick else 9,
        lambda: one(lambda: predictor.predict([SENTENCE])),
        lambda: one(lambda: notebook_loop.classify(model, SENTENCE, vocabulary())),
    )
    many = alternate(
        3 if quick else 5,
        lambda: score(lambda: predictor.predict(texts)),
        lambda: score(lambda: list(notebook_loop.predict(model, data, cpu))),
    )
    how = f"{size}, CPU, {predictor.precision}"
    least = (4.0, 6.0) if size == "KoBERT size" else (1.0, 1.0)
    return [
        Result(f"one sentence, {how}", "ms", *single, least[0]),
        Result(f"scoring a file, {how}", "sentences/s", *many, least[1]),
    ]


def agreement() -> dict[str, object]:
    """Return how far the answers in bfloat16 are from those in float32, on 5,000 real sentences."""
    rows = [row[0] for row in read_rows(DATA / "emotions7-comments.tsv")]
    rows += [row[1] for row in read_rows(DATA / "nsmc-ratings-20k.tsv")]
    exact = Predictor("mini-emotions", exact=True)
    fast = Predictor("mini-emotions", exact=True)
    fast._model = fast_inference.in_bfloat16(fast._model)
    one, other = (
        np.array([list(p.probabilities.values()) for p in predictor.predict(rows[:5_000])])
        for predictor in (exact, fast)
    )
    return {
        "sentences": 5_000,
        "equal labels": float((one.argmax(1) == other.argmax(1)).mean()),
        "largest change of a probability": float(np.abs(one - other).max()),
    }
