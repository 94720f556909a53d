"""Seconds of training steps, in one process or in each of a group, by the length of the sentences.

    python -m benchmarks.group_steps MODEL STEPS RANK SIZE MEETING LENGTH...

Rank 0 prints one JSON document: `steps` (length -> seconds of each step after the first), and for a group
`exchanges` (bytes -> seconds of each sum over the processes, of next to nothing and of all gradients). The
processes of a group share the threads that one would take.
"""

import json
import sys
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import torch

from benchmarks.harness import seconds
from benchmarks.models import EMOTIONS, kobert_sized, reddit, vocabulary
from kobert_demo.config import TrainingConfig
from kobert_demo.encoded import Encoded, encode_texts, encode_whole
from kobert_demo.events import TrainStep
from kobert_demo.group import ALONE
from kobert_demo.members import join, share_threads
from kobert_demo.model import new_classifier
from kobert_demo.model_files import find_model
from kobert_demo.training import train

BATCH = 64
EXCHANGES = 5


def of_length(length: int, rows: int) -> Encoded:
    """Return so many rows of exactly `length` pieces, [CLS] and [SEP] among them, cut from real text."""
    pieces = encode_whole(reddit(20_000)[0], np.zeros(20_000), vocabulary()).ids
    ids = np.resize(pieces, (rows, length))
    ids[:, 0], ids[:, -1] = vocabulary().cls_id, vocabulary().sep_id
    labels = np.arange(rows) % len(EMOTIONS)
    return Encoded(ids.ravel(), np.arange(rows + 1) * length, labels, vocabulary().pad_id)


def main() -> None:
    name, steps, rank, size, meeting, *lengths = sys.argv[1:]
    share_threads(int(size))
    # Before the group is there: in it, only rank 0 writes what transformers saves.
    files = find_model(name) if name == "mini" else kobert_sized()
    group = ALONE if size == "1" else join("cpu", int(rank), int(size), Path(meeting))
    none = encode_texts([], np.zeros(0), vocabulary(), 64)
    found: dict[str, dict[str, list[float]]] = {"steps": {}, "exchanges": {}}
    for length in lengths:
        torch.manual_seed(0)
        model = new_classifier(files, EMOTIONS, 0.1, vocabulary())
        data = of_length(int(length), BATCH * (int(steps) + 2))
        config = TrainingConfig(batch_size=BATCH, max_length=int(length))
        events = train(model, data, none, config, group=group)
        taken = (event for event in events if isinstance(event, TrainStep))
        # The others are told when rank 0 leaves.
        kept = list(islice(taken, int(steps) + 1 if rank == "0" else None))
        events.close()
        found["steps"][length] = [
            after.seconds - before.seconds for before, after in pairwise(kept)
        ]
    for count in (1, sum(each.numel() for each in model.parameters())) if size != "1" else ():
        values = torch.zeros(count)
        found["exchanges"][str(4 * count)] = [
            seconds(lambda values=values: group.sum(values)) for _ in range(EXCHANGES)
        ]
    if rank == "0":
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
