"""The figures of `mini`'s card: `python -m benchmarks.mini [PART ...]`.

Parts: comments, ratings, sample (fine-tuning `mini` with its preset, TF-IDF and an untrained `mini` beside
it), speed (one sentence at a time). Those of
`mini-emotions` are in its record, written by `kobert_demo.ready_made`.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline

from kobert_demo.config import TrainingConfig, preset
from kobert_demo.encoded import encode_texts
from kobert_demo.events import Evaluation
from kobert_demo.model import new_classifier
from kobert_demo.model_files import ModelFiles, find_model
from kobert_demo.predictor import Predictor
from kobert_demo.pretraining_data import (
    HELD_OUT_PART,
    fingerprint,
    held_out_ratings,
    read_rows,
    split_comments,
)
from kobert_demo.training import train
from kobert_demo.vocabularies import read_vocabulary

PROJECT = Path(__file__).parents[1]
DATA = PROJECT.parent / "shared" / "data"
SAMPLE = PROJECT / "kobert_demo" / "data"
SEEDS = range(5)
REPEATS = 200

Rows = Sequence[Sequence[str]]  # (sentence, label)


def fine_tuned(
    files: ModelFiles, learnt: Rows, tested: Rows, config: TrainingConfig
) -> tuple[Evaluation, Evaluation]:
    """Return the evaluation after the best epoch by macro-F1, as a run keeps it, and after the last."""
    labels = sorted({label for _, label in learnt})
    torch.manual_seed(config.seed)
    vocabulary = read_vocabulary(files.vocabulary)
    model = new_classifier(files, labels, config.dropout, vocabulary)
    data = [
        encode_texts(
            [text for text, _ in rows],
            np.array([labels.index(label) for _, label in rows]),
            *(vocabulary, config.max_length),
        )
        for rows in (learnt, tested)
    ]
    evaluations = [e for e in train(model, *data, config) if isinstance(e, Evaluation)]
    best = max(evaluations, key=lambda evaluation: (evaluation.macro_f1, -evaluation.loss))
    return best, evaluations[-1]


def compare(name: str, learnt: Rows, tested: Rows, seeds: Sequence[int] = SEEDS) -> None:
    """Print `mini` with its preset, an untrained one for several seeds, TF-IDF, the commonest label."""
    print(f"{name}: {len(learnt)} learnt from, {len(tested)} tested on", flush=True)
    files = find_model("mini")
    variants = [("mini", files, seeds)]
    if len(seeds) > 1:
        variants.append(("untrained", replace(files, weights=None), seeds[:1]))
    for what, of, its in variants:
        runs = [fine_tuned(of, learnt, tested, replace(preset("mini"), seed=s)) for s in its]
        for which, evaluations in zip(("best", "last"), zip(*runs, strict=True), strict=True):
            for figure in ("accuracy", "macro_f1"):
                values = [getattr(evaluation, figure) for evaluation in evaluations]
                spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
                print(f"  {what}, {which} epoch: {figure} {np.mean(values):.3f} ± {spread:.3f}")
        print(f"  {what}: best epochs {[best.epoch for best, _ in runs]}", flush=True)
    words = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True)
    tfidf = make_pipeline(words, LogisticRegression(C=4, max_iter=1000))
    tfidf.fit([text for text, _ in learnt], [label for _, label in learnt])
    true, said = [label for _, label in tested], tfidf.predict([text for text, _ in tested])
    macro_f1 = f1_score(true, said, average="macro")
    print(f"  TF-IDF accuracy {accuracy_score(true, said):.3f} macro_f1 {macro_f1:.3f}")
    commonest = max(true.count(label) for label in set(true)) / len(true)
    print(f"  commonest label {commonest:.3f}", flush=True)


def comments() -> None:
    compare("comments", *split_comments(DATA))


def ratings() -> None:
    rows = [row[1:] for row in read_rows(DATA / "nsmc-ratings-20k.tsv")]
    learnt = [row for row in rows if fingerprint(row[0]) % HELD_OUT_PART]
    compare("ratings", learnt, held_out_ratings(DATA), seeds=range(1))


def sample() -> None:
    compare("sample", read_rows(SAMPLE / "sample.tsv"), read_rows(SAMPLE / "sample-test.tsv"))


def seconds(predictor: Predictor, texts: Sequence[str]) -> Iterator[float]:
    for text in texts:
        began = time.perf_counter()
        predictor.predict([text])
        yield time.perf_counter() - began


def speed() -> None:
    texts = [text for text, _ in read_rows(SAMPLE / "sample-test.tsv")][:REPEATS]
    predictor = Predictor("mini-emotions")
    list(seconds(predictor, texts))
    median = float(np.median(list(seconds(predictor, texts))))
    print(f"one sentence: median {1000 * median:.1f} ms on {torch.get_num_threads()} threads")


PARTS = {
    "comments": comments,
    "ratings": ratings,
    "sample": sample,
    "speed": speed,
}

if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(PARTS):
        sys.exit(f"There is no {', '.join(sorted(unknown))}: choose among {', '.join(PARTS)}.")
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
