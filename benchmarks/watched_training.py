"""A process that trains `mini` on the sample when it is asked to, and says how fast.

    python -m benchmarks.watched_training WORKSPACE

A line of its input is a run's id: it trains that run as a worker does, with the store, the samples of the
system, its bundles and its checkpoints. `-` before the id: the same run without anything that writes. It
answers with the sentences per second of the whole loop, evaluations included, by the clock on the wall:
from the end of the first step to the end of the last evaluation.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import torch

from kobert_demo import training
from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import load_choice
from kobert_demo.device import best_device
from kobert_demo.encoded_store import encode_dataset
from kobert_demo.events import TrainStep
from kobert_demo.model import new_classifier
from kobert_demo.model_files import find_model
from kobert_demo.runs import Runs, choice_of
from kobert_demo.vocabularies import read_vocabulary
from kobert_demo.worker import NICENESS, Worker

train = training.train


class Clock:
    """The training loop with a look at the clock after its first step and after its end."""

    def train(self, *arguments: object, **options: object) -> Iterator[object]:
        first = last = None
        for event in train(*arguments, **options):
            if isinstance(event, TrainStep):
                if first is None:
                    first, began = event, time.perf_counter()
                last = event
            yield event
        self.speed = (last.sentences - first.sentences) / (time.perf_counter() - began)


def logged(runs: Runs, run: str) -> float:
    clock = Clock()
    with patch.object(training, "train", clock.train):
        Worker(runs, run).work()
    return clock.speed


def bare(runs: Runs, run: str) -> float:
    record = runs.get(run).record
    config = TrainingConfig(**record["config"])
    files = find_model(record["weights"])
    vocabulary = read_vocabulary(files.vocabulary)
    data = [
        encode_dataset(part, vocabulary, runs.workspace).cut(config.max_length)
        for part in load_choice(runs.workspace, choice_of(record))
    ]
    torch.manual_seed(config.seed)
    model = new_classifier(files, record["labels"], config.dropout, vocabulary).to(best_device())
    clock = Clock()
    for _ in clock.train(model, *data, config):
        pass
    return clock.speed


def main() -> None:
    logging.disable()
    os.nice(NICENESS)
    runs = Runs(Path(sys.argv[1]))
    for line in sys.stdin:
        run = line.strip()
        print(bare(runs, run[1:]) if run.startswith("-") else logged(runs, run), flush=True)


if __name__ == "__main__":
    main()
