"""Sentences a second in fine-tuning: ours, the notebook's procedure, Hugging Face's Trainer."""

import tempfile
import time
from functools import partial
from itertools import islice

import numpy as np
import torch
from transformers import (
    BertForSequenceClassification,
    BertModel,
    DataCollatorWithPadding,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from benchmarks import notebook_loop
from benchmarks.harness import Result, alternate, seconds
from benchmarks.models import EMOTIONS, kobert_sized, reddit, vocabulary
from kobert_demo.config import TrainingConfig
from kobert_demo.encoded import encode_texts
from kobert_demo.events import TrainStep
from kobert_demo.model import new_classifier
from kobert_demo.model_files import ModelFiles, find_model
from kobert_demo.tokenizer_json import fast_tokenizer
from kobert_demo.training import train

BATCH = 64
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Clock(TrainerCallback):
    """Notes when each step of the Trainer has ended; the first one does not count."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_end(self, *_arguments: object, **_more: object) -> None:
        self.times.append(time.perf_counter())


def ours(files: ModelFiles, steps: int) -> float:
    texts, labels = reddit(4_000)
    data = encode_texts(texts, np.array(labels), vocabulary(), 64)
    none = encode_texts([], np.zeros(0), vocabulary(), 64)
    model = new_classifier(files, EMOTIONS, 0.5, vocabulary()).to(DEVICE)
    taken = train(model, data, none, TrainingConfig(batch_size=BATCH))
    done = [e for e in islice(taken, steps + 1) if isinstance(e, TrainStep)]
    return (done[-1].sentences - done[0].sentences) / (done[-1].seconds - done[0].seconds)


def notebook(files: ModelFiles, steps: int) -> float:
    texts, labels = reddit(BATCH * (steps + 1))
    data = notebook_loop.Sentences(texts, labels, vocabulary())
    bert = BertModel.from_pretrained(files.directory, dtype=torch.float32)
    model = notebook_loop.Classifier(bert, len(EMOTIONS)).to(DEVICE)
    taken = notebook_loop.train(model, data, DEVICE, epochs=1)
    next(taken)
    return BATCH * steps / seconds(lambda: list(taken))


def trainer(files: ModelFiles, steps: int, best: bool) -> float:
    """Run the Trainer as its users do: padded to 64 and its defaults, or all that makes it faster."""
    texts, labels = reddit(BATCH * (steps + 1))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=fast_tokenizer(vocabulary().source, 64), pad_token="[PAD]"
    )
    padding = {} if best else {"padding": "max_length", "max_length": 64}
    encoded = tokenizer(texts, truncation=True, **padding)
    rows = [
        {"input_ids": ids, "attention_mask": mask, "labels": label}
        for ids, mask, label in zip(
            encoded["input_ids"], encoded["attention_mask"], labels, strict=True
        )
    ]
    model = BertForSequenceClassification.from_pretrained(
        files.directory, dtype=torch.float32, num_labels=len(EMOTIONS)
    )
    quick = {"train_sampling_strategy": "group_by_length", "bf16": True} if best else {}
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            per_device_train_batch_size=BATCH,
            max_steps=steps + 1,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=DEVICE.type == "cpu",
            **quick,
        )
        collator = DataCollatorWithPadding(tokenizer)
        clock = Clock()
        Trainer(
            model, arguments, train_dataset=rows, data_collator=collator, callbacks=[clock]
        ).train()
    return BATCH * steps / (clock.times[-1] - clock.times[0])


def run(quick: bool) -> list[Result]:
    repeats, steps = (2, 2) if quick else (5, 2)
    results = []
    sizes = [("KoBERT size", kobert_sized()), ("mini", find_model("mini"))]
    for size, files in sizes[1:] if quick else sizes:  # the notebook needs minutes for the first
        count = steps if size != "mini" else 4 * steps
        works = [
            partial(ours, files, count),
            partial(notebook, files, count),
            partial(trainer, files, count, False),
            partial(trainer, files, count, True),
        ]
        mine, *others = alternate(repeats, *works, warm_up=0)  # none counts its first step
        for (against, target), figures in zip(
            (("the notebook", 3.0), ("Trainer, defaults", 2.0), ("Trainer, best", 1.15)),
            others,
            strict=True,
        ):
            name = f"fine-tuning, {size}, {DEVICE.type.upper()}, against {against}"
            least = target if size == "KoBERT size" else 1.0
            results.append(Result(name, "sentences/s", mine, figures, least))
    return results
