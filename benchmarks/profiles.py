"""Where the time of a training step and of one classification goes, before our changes and after.

Before: float32, dropout by torch's Bernoulli numbers, transformers' own layers. After: what this CPU takes.
The shares are of the time in torch's operations; the seconds are measured without the profiler.
"""

import re
import statistics
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.harness import seconds
from benchmarks.inference_speed import SENTENCE, SURE, in_int8
from benchmarks.models import EMOTIONS, kobert_sized, reddit, vocabulary
from kobert_demo import stepping
from kobert_demo.batches import training_batches
from kobert_demo.config import TrainingConfig
from kobert_demo.encoded import encode_texts
from kobert_demo.model import new_classifier
from kobert_demo.model_files import ModelFiles, find_model
from kobert_demo.predictor import Predictor
from kobert_demo.stepping import Stepper

BATCH, STEPS, CALLS = 64, 4, 40
KINDS = {  # an operation is of the first whose pattern is found in its name
    "attention": r"scaled_dot_product|flash|bmm|softmax",
    "matrix products": r"mm|linear|matmul",
    "dropout masks": r"bernoulli|random_|native_dropout|::ge$",
    "copies between precisions and layouts": r"copy_",
    "AdamW": r"adamw",
    "GELU, LayerNorm, sums and products of elements": r"gelu|layer_norm|add|mul|sum|tanh",
}
REST = "everything else"


def shares(work: Callable[[], object]) -> dict[str, float]:
    """Return the share of each kind of operation in the time of all."""
    with profile(activities=[ProfilerActivity.CPU]) as told:
        work()
    spent: dict[str, float] = defaultdict(float)
    for operation in told.key_averages():
        name = operation.key.lower()
        kind = next((kind for kind, known in KINDS.items() if re.search(known, name)), REST)
        spent[kind] += operation.self_cpu_time_total
    whole = sum(spent.values())
    return {kind: round(spent[kind] / whole, 3) for kind in (*KINDS, REST)}


def profiled(work: Callable[[], object], count: int) -> dict[str, Any]:
    """Return the median seconds of a call, and where they go."""
    work()
    taken = statistics.median(seconds(work) for _ in range(count))

    def several() -> None:
        for _ in range(count):
            work()

    return {"seconds": round(taken, 4), "shares": shares(several)}


def training_step(files: ModelFiles) -> Callable[[], object]:
    texts, labels = reddit(BATCH * STEPS)
    data = encode_texts(texts, np.array(labels), vocabulary(), 64)
    config, model = TrainingConfig(), new_classifier(files, EMOTIONS, 0.5, vocabulary())
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    stepper = Stepper(model, optimizer, config.max_grad_norm)
    batches = cycle(training_batches(data, BATCH, config.seed, 1))

    def epoch() -> None:
        for batch in islice(batches, STEPS):
            stepper.step(batch)

    return epoch


def plain(work: Callable[[], Callable[[], object]]) -> Callable[[], object]:
    """Return what `work` makes where nothing is quicker than torch and transformers make it."""
    with (
        patch.object(stepping, "multiplies_bfloat16", lambda _: False),
        patch.object(stepping, "use_bits", lambda _: None),
    ):
        return work()


def run(quick: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    repeats = 1 if quick else 3
    for size, name in (("KoBERT size", kobert_sized().name), ("mini", "mini")):
        make = partial(training_step, find_model(name))
        for when, work in (("before", plain(make)), ("after", make())):
            told = profiled(work, repeats)
            told["seconds"] = round(told["seconds"] / STEPS, 4)
            found[f"a training step of {BATCH} sentences, {size}, {when}"] = told
    for size, name in (("KoBERT size", kobert_sized().name), ("mini", "mini-emotions")):
        for when, predictor in (("before", Predictor(name, exact=True)), ("after", usual(name))):
            ask = partial(predictor.predict, [SENTENCE])
            found[f"one sentence, {size}, {when} ({predictor.precision})"] = profiled(ask, CALLS)
    return found


def usual(name: str) -> Predictor:
    """Return the predictor that a page has; where it is int8, one that is sure of its answers."""
    predictor = Predictor(name)
    return in_int8(name, SURE) if predictor.precision == "int8" else predictor
