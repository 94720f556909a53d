"""The settings of one training run; the defaults are the KoBERT notebook's."""

import math
from dataclasses import dataclass

from kobert_demo.errors import ConfigError
from kobert_demo.language import Message

# The smallest and the largest value of each number that can be trained with.
LIMITS: dict[str, tuple[float, float]] = {
    "max_length": (4, 512),
    "batch_size": (1, 4096),
    "epochs": (1, 1000),
    "learning_rate": (1e-8, 1.0),
    "warmup_ratio": (0.0, 1.0),
    "max_grad_norm": (1e-6, 1e6),
    "dropout": (0.0, 0.95),
    "weight_decay": (0.0, 1.0),
    "log_interval": (1, 1_000_000),
    "evaluate_every": (0, 1_000_000),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class TrainingConfig:
    """What a run trains with.

    Attributes:
        model: `mini`, or a local directory in Hugging Face format.
        max_length: the longest sentence in pieces, [CLS] and [SEP] included.
        batch_size: sentences in one optimizer step.
        epochs: passes over the training data.
        learning_rate: the peak, reached after the warm-up; from there a cosine leads to 0.
        warmup_ratio: share of all steps in which the learning rate rises.
        max_grad_norm: gradients with a larger norm are scaled down to it.
        dropout: before the last linear layer.
        weight_decay: AdamW's, for everything but biases and LayerNorm weights.
        log_interval: steps from one line of the run's log to the next.
        evaluate_every: steps from one evaluation to the next, besides those after each epoch; 0: none.
        seed: of the new layer, the dropout and the order of the sentences.
    """

    model: str = "mini"
    max_length: int = 64
    batch_size: int = 64
    epochs: int = 5
    learning_rate: float = 5e-5
    warmup_ratio: float = 0.1
    max_grad_norm: float = 1.0
    dropout: float = 0.5
    weight_decay: float = 0.01
    log_interval: int = 200
    evaluate_every: int = 0
    seed: int = 42

    def __post_init__(self) -> None:
        """Raise `ConfigError` with every value that is out of its limits."""
        problems = [
            Message(
                "{field} is {value}: give a number from {lowest} to {highest}.",
                {"field": name, "value": value, "lowest": f"{low:g}", "highest": f"{high:g}"},
            )
            for name, (low, high) in LIMITS.items()
            if not (math.isfinite(value := getattr(self, name)) and low <= value <= high)
        ]
        if problems:
            first, *others = problems
            raise ConfigError(first.text, also=tuple(others), **first.values)
