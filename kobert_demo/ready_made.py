"""Make `mini-emotions`, the classifier that answers before anything was trained here.

    python -m kobert_demo.ready_made

`mini` is fine-tuned on everyday sentences (the sample), comments and Reddit comments, so that it knows
how people speak and how they write to strangers. Rare emotions are repeated and common ones thinned, or
fear and disgust would never be answered. The confidence is then scaled on comments that were not learnt
from, and the scale is put into the last layer, so that whoever loads the weights gets honest
probabilities.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import BertForSequenceClassification

from kobert_demo.batches import Encoded, encode_texts, evaluation_batches
from kobert_demo.calibration import fit_temperature
from kobert_demo.config import TrainingConfig
from kobert_demo.encoding import Vocabulary
from kobert_demo.errors import KobertDemoError
from kobert_demo.model import new_classifier
from kobert_demo.model_files import BUILT_IN, RECORD, find_model
from kobert_demo.pretraining_data import EMOTIONS, fingerprint, read_rows, split_comments
from kobert_demo.training import Evaluation, train

Labelled = tuple[str, str]  # a sentence and its emotion

SAMPLE = BUILT_IN.with_name("data") / "sample.tsv"
CONFIG = TrainingConfig(
    "mini", batch_size=32, epochs=4, learning_rate=2e-4, dropout=0.1, log_interval=100, seed=0
)
SAMPLE_TIMES = 2  # how often an epoch reads each sentence of the sample
COMMENTS, REDDIT = (400, 1200), (300, 1500)  # least and most sentences of an emotion in an epoch
CALIBRATION_PART = 6  # of the comments that may be learnt from, one in so many is scaled on instead


def balanced(rows: Iterable[Labelled], least: int, most: int) -> list[Labelled]:
    """Return `least` to `most` rows of each label: the first by fingerprint, or all of them repeated."""
    by_label: defaultdict[str, list[Labelled]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: fingerprint(row[0])):
        by_label[row[1]].append(row)
    return [
        row
        for of_label in by_label.values()
        for row in (of_label * -(-least // len(of_label)))[: max(least, min(most, len(of_label)))]
    ]


def sentences(data: Path) -> tuple[list[Labelled], list[Labelled]]:
    """Return what an epoch reads, and the comments to scale the confidence on.

    Neither holds a comment of the held-out fifth, nor one of the Reddit development file.
    """
    comments, _ = split_comments(data)
    scaled_on = [row for row in comments if fingerprint(row[0]) % CALIBRATION_PART == 0]
    learnt = [row for row in comments if fingerprint(row[0]) % CALIBRATION_PART]
    reddit = [(text, label) for text, label in read_rows(data / "emotions7-reddit-train.tsv")]
    sample = [(text, label) for text, label in read_rows(SAMPLE)]
    read = [*sample * SAMPLE_TIMES, *balanced(learnt, *COMMENTS), *balanced(reddit, *REDDIT)]
    return read, scaled_on


def encoded(rows: list[Labelled], vocabulary: Vocabulary) -> Encoded:
    labels = np.array([EMOTIONS.index(label) for _, label in rows])
    return encode_texts([text for text, _ in rows], labels, vocabulary, CONFIG.max_length)


@torch.inference_mode()
def logits_of(
    model: BertForSequenceClassification, data: Encoded
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return logits (sentences, labels) and true labels (sentences), short sentences first."""
    logits, labels = [], []
    for batch in evaluation_batches(data, 64):
        answer = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
        logits.append(answer.logits.double().numpy())
        labels.append(batch.labels.numpy())
    return np.concatenate(logits), np.concatenate(labels)


def make(data: Path, output: Path) -> None:
    """Train on the files in `data`, and write weights, config, vocabulary and record to `output`."""
    torch.manual_seed(CONFIG.seed)
    files = find_model(CONFIG.model)
    vocabulary = Vocabulary(files.vocabulary)
    model = new_classifier(files, EMOTIONS, CONFIG.dropout, vocabulary)
    read, scaled_on = (encoded(rows, vocabulary) for rows in sentences(data))
    for event in train(model, read, scaled_on, CONFIG):
        if isinstance(event, Evaluation):
            print(f"epoch {event.epoch}: {event.accuracy:.3f} {event.macro_f1:.3f}", flush=True)
    temperature = fit_temperature(*logits_of(model.eval(), scaled_on))
    with torch.no_grad():
        model.classifier.weight /= temperature
        model.classifier.bias /= temperature
    output.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(output)
    (output / files.vocabulary.name).write_bytes(vocabulary.model)
    record = {"config": asdict(CONFIG), "labels": EMOTIONS, "temperature": temperature}
    (output / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m kobert_demo.ready_made")
    shared = Path(__file__).parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder with the data files")
    parser.add_argument("--output", type=Path, default=BUILT_IN / "mini-emotions")
    options = parser.parse_args(arguments)
    try:
        make(options.data, options.output)
    except KobertDemoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
