"""What the training loop tells: its steps, its evaluations, and when it can be left."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Tensors, numbers, texts and containers of them: what torch reads without unpickling anything else.
State = dict[str, Any]


@dataclass(frozen=True)
class TrainStep:
    """One optimizer step.

    Attributes:
        step: from 1, over all epochs; epoch: from 1.
        loss: mean cross-entropy of the batch, in nats.
        accuracy: share of right answers in this epoch so far, over sentences.
        learning_rate: that of this step.
        grad_norm: L2 norm of all gradients before clipping.
        sentences: trained on so far, over all epochs.
        seconds: spent in training steps so far; evaluations do not count.
    """

    step: int
    epoch: int
    loss: float
    accuracy: float
    learning_rate: float
    grad_norm: float
    sentences: int
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """The model on the test data after `step` steps, all figures exact over sentences.

    Attributes:
        loss: mean cross-entropy, in nats.
        confusion: (labels, labels) counts; row: true label, column: predicted label.
        answers: (2, sentences) true and predicted label ids, in the order of the test data.
    """

    step: int
    epoch: int
    loss: float
    accuracy: float
    macro_f1: float
    confusion: NDArray[np.int64]
    answers: NDArray[np.int64]


@dataclass(frozen=True)
class Evaluating:
    """A batch of the test data has been looked at: a moment to stop in a long evaluation."""

    step: int


@dataclass(frozen=True)
class Settled:
    """All of `step` and before has been told: a moment to keep a checkpoint, or to stop.

    Attributes:
        owes_evaluation: whether the evaluation of this step is still to come.
        state: returns all that `train` needs to go on from here, an evaluation that is still to come
            included; until the next step or evaluation has been taken. Its tensors are those in use.
    """

    step: int
    owes_evaluation: bool
    state: Callable[[], State]


Event = TrainStep | Evaluating | Evaluation | Settled
