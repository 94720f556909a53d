"""Make `mini-emotions`, the classifier that answers before anything was trained here.

    python -m kobert_demo.ready_made

`mini` is fine-tuned on everyday sentences (the sample) and on comments, so that it knows how people speak
and how they write to strangers; the Reddit comments, which `mini` knows already, made it worse. Rare
emotions are repeated, or fear and disgust would never be answered. The confidence is then scaled on
comments that were not learnt from, and the scale is put into the last layer, so that whoever loads the
weights gets honest probabilities.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from kobert_demo import metrics
from kobert_demo.batches import evaluation_batches
from kobert_demo.calibration import cross_fitted_error, fit_temperature
from kobert_demo.config import preset
from kobert_demo.encoded import Encoded, encode_texts
from kobert_demo.encoding import Vocabulary
from kobert_demo.errors import KobertDemoError
from kobert_demo.events import Evaluation
from kobert_demo.model import new_classifier
from kobert_demo.model_files import BUILT_IN, READY_MADE, RECORD, find_model
from kobert_demo.predictor import Predictor
from kobert_demo.pretraining_data import (
    EMOTIONS,
    check_files,
    fingerprint,
    held_out_fingerprints,
    read_rows,
    split_comments,
)
from kobert_demo.training import train
from kobert_demo.vocabularies import read_vocabulary

Labelled = tuple[str, str]  # a sentence and its emotion

OWN_DATA = BUILT_IN.with_name("data")
OWN_JUDGES = ("everyday.tsv", "sample-test.tsv")
CONFIG = replace(preset("mini"), learning_rate=3e-4, seed=0)
SAMPLE_TIMES = 4  # how often an epoch reads each sentence of the sample
LEAST_COMMENTS = 200  # of an emotion in an epoch
CALIBRATION_PART = 3  # one in so many comments that may be learnt from is scaled on instead


def read_labelled(path: Path) -> list[Labelled]:
    return [(text, label) for text, label in read_rows(path)]


def balanced(rows: Iterable[Labelled], least: int) -> list[Labelled]:
    """Return all rows, those of a rare label repeated until it has `least` of them."""
    by_label: defaultdict[str, list[Labelled]] = defaultdict(list)
    for row in rows:
        by_label[row[1]].append(row)
    return [
        row
        for of_label in by_label.values()
        for row in (of_label * -(-least // len(of_label)))[: max(least, len(of_label))]
    ]


def read_sentences(data: Path) -> tuple[list[Labelled], list[Labelled]]:
    """Return what an epoch reads, and the comments to scale the confidence on.

    None of what is read says the same as anything that `mini` or `mini-emotions` is judged by.
    """
    own = [row for name in OWN_JUDGES for row in read_labelled(OWN_DATA / name)]
    apart = held_out_fingerprints(data) | {fingerprint(text) for text, _ in own}

    def learnable(rows: Iterable[Labelled]) -> list[Labelled]:
        return [row for row in rows if fingerprint(row[0]) not in apart]

    comments, held_out = split_comments(data)
    comments = learnable(comments)
    sample = learnable(read_labelled(OWN_DATA / "sample.tsv"))
    scaled_on = [row for row in comments if fingerprint(row[0]) % CALIBRATION_PART == 0] + held_out
    learnt = [row for row in comments if fingerprint(row[0]) % CALIBRATION_PART]
    return [*sample * SAMPLE_TIMES, *balanced(learnt, LEAST_COMMENTS)], scaled_on


def encode_rows(rows: list[Labelled], vocabulary: Vocabulary) -> Encoded:
    labels = np.array([EMOTIONS.index(label) for _, label in rows])
    return encode_texts([text for text, _ in rows], labels, vocabulary, CONFIG.max_length)


@torch.inference_mode()
def compute_logits(
    model: PreTrainedModel, data: Encoded
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return logits (sentences, labels) and true labels (sentences), short sentences first."""
    logits, labels = [], []
    for batch in evaluation_batches(data, 64):
        answer = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
        logits.append(answer.logits.double().numpy())
        labels.append(batch.labels.numpy())
    return np.concatenate(logits), np.concatenate(labels)


def measure(predictor: Predictor, rows: Iterable[Labelled]) -> dict[str, Any]:
    """Return how often a classifier of these emotions is right."""
    texts, labels = zip(*rows, strict=True)
    true = np.array([EMOTIONS.index(label) for label in labels])
    answers = predictor.predict(texts)
    shares = np.array(
        [[answer.probabilities[emotion] for emotion in EMOTIONS] for answer in answers]
    )
    counts = metrics.confusion(true, shares.argmax(1), len(EMOTIONS))
    recalls = counts.diagonal() / counts.sum(1)
    return {
        "sentences": len(texts),
        "accuracy": round(metrics.accuracy(counts), 4),
        "macro_f1": round(metrics.macro_f1(counts), 4),
        "recall": {e: round(float(r), 4) for e, r in zip(EMOTIONS, recalls, strict=True)},
    }


def read_judges(data: Path) -> dict[str, list[Labelled]]:
    """Return what `mini-emotions` is judged by: sentences that neither it nor `mini` has seen."""
    return {
        **{Path(name).stem: read_labelled(OWN_DATA / name) for name in OWN_JUDGES},
        "comments": split_comments(data)[1],
    }


def make(data: Path, output: Path) -> None:
    """Train on the files in `data`, and write weights, config, vocabulary and record to `output`.

    Raises:
        DataError: files are missing; all of them are named.
    """
    check_files(data)
    torch.manual_seed(CONFIG.seed)
    files = find_model(CONFIG.model)
    vocabulary = read_vocabulary(files.vocabulary)
    model = new_classifier(files, EMOTIONS, CONFIG.dropout, vocabulary)
    read, scaled_on = (encode_rows(rows, vocabulary) for rows in read_sentences(data))
    for event in train(model, read, scaled_on, CONFIG):
        if isinstance(event, Evaluation):
            print(f"epoch {event.epoch}: {event.accuracy:.3f} {event.macro_f1:.3f}", flush=True)
    logits, labels = compute_logits(model.eval(), scaled_on)
    temperature = fit_temperature(logits, labels)
    with torch.no_grad():
        model.classifier.weight /= temperature
        model.classifier.bias /= temperature
    output.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(output)
    (output / "model.safetensors").chmod(0o644)
    (output / files.vocabulary.name).write_bytes(vocabulary.source)
    record = {
        "config": asdict(CONFIG),
        "labels": EMOTIONS,
        "temperature": temperature,
        "calibration_error": round(cross_fitted_error(logits, labels), 4),
    }
    write_record(output, record)
    predictor = Predictor(str(output))
    measured = {name: measure(predictor, rows) for name, rows in read_judges(data).items()}
    write_record(output, {**record, "measured": measured})
    print(json.dumps(measured, ensure_ascii=False, indent=1))


def write_record(directory: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, ensure_ascii=False, indent=2)
    (directory / RECORD).write_text(f"{text}\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m kobert_demo.ready_made")
    shared = Path(__file__).parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder with the data files")
    parser.add_argument("--output", type=Path, default=BUILT_IN / READY_MADE)
    options = parser.parse_args(arguments)
    try:
        make(options.data, options.output)
    except KobertDemoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
