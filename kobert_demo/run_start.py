"""A run's record -> all that its training loop begins with, the same in every process that trains it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from kobert_demo.checkpoint import load_checkpoint
from kobert_demo.config import TrainingConfig
from kobert_demo.encoded import Encoded
from kobert_demo.encoded_store import encode_dataset
from kobert_demo.encoding import Vocabulary
from kobert_demo.events import State
from kobert_demo.model import new_classifier
from kobert_demo.model_files import find_model
from kobert_demo.runs import Runs
from kobert_demo.vocabularies import read_vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, eq=False)
class RunStart:
    """What `training.train` takes; `state` is the one to go on from, None at the beginning."""

    model: "PreTrainedModel"
    vocabulary: Vocabulary
    train_data: Encoded
    test_data: Encoded
    config: TrainingConfig
    state: State | None


def run_start(
    runs: Runs,
    run: str,
    device: str,
    watched: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> RunStart:
    """Read model, data and the last checkpoint of a run; the model is on `device`.

    Args:
        watched: passes texts through while they are encoded; it may raise to end it.

    Raises:
        DataError, ModelError: they are gone, or not what they were at the launch.
    """
    record = runs.store.run(run).record
    config = TrainingConfig(**record["config"])
    files = find_model(record["weights"])
    vocabulary = read_vocabulary(files.vocabulary)
    torch.manual_seed(config.seed)
    model = new_classifier(files, record["labels"], config.dropout, vocabulary).to(device)
    train_data, test_data = (
        encode_dataset(data, vocabulary, runs.workspace, watched).cut(config.max_length)
        for data in runs.data(run)
    )
    state = load_checkpoint(runs.directory(run))
    return RunStart(model, vocabulary, train_data, test_data, config, state)
