"""The settings of one training run: their limits, the KoBERT notebook's values, and each model's own."""

from dataclasses import dataclass
from typing import Any

from kobert_demo.errors import ConfigError
from kobert_demo.language import Message


@dataclass(frozen=True)
class Setting:
    """What a number is called, what it does, and between which values one can train."""

    name: Message
    lowest: float
    highest: float
    effect: Message


SETTINGS = {
    "epochs": Setting(
        Message("Epochs"),
        *(1, 1000),
        Message("Passes over the training data. The best one by macro-F1 is kept."),
    ),
    "batch_size": Setting(
        Message("Batch size"),
        *(1, 4096),
        Message("Sentences in one step. Larger is faster on a GPU and takes more memory."),
    ),
    "learning_rate": Setting(
        Message("Learning rate"),
        *(1e-8, 1.0),
        Message("Its peak. Lower it if the loss jumps, raise it if it hardly falls."),
    ),
    "max_length": Setting(
        Message("Maximum length"),
        *(4, 512),
        Message("The longest sentence in pieces, [CLS] and [SEP] included; what is longer is cut."),
    ),
    "warmup_ratio": Setting(
        Message("Warm-up ratio"),
        *(0.0, 1.0),
        Message("Share of all steps in which the learning rate rises; then a cosine leads to 0."),
    ),
    "max_grad_norm": Setting(
        Message("Maximum gradient norm"),
        *(1e-6, 1e6),
        Message("Gradients with a larger norm are scaled down to it."),
    ),
    "dropout": Setting(
        Message("Dropout"),
        *(0.0, 0.95),
        Message("Share of the pooled output that is dropped before the last layer."),
    ),
    "weight_decay": Setting(
        Message("Weight decay"),
        *(0.0, 1.0),
        Message("AdamW's pull towards 0, for all but biases and LayerNorm weights."),
    ),
    "gradient_accumulation": Setting(
        Message("Gradient accumulation"),
        *(1, 1024),
        Message("Batches whose gradients add up to one step: a larger batch in the memory of one."),
    ),
    "class_weights": Setting(
        Message("Class weights"),
        *(0.0, 1.0),
        Message(
            "0 counts every sentence alike, 1 every label, however rare. More of the rare labels are "
            "found (recall), and more sentences wrongly taken for them (precision)."
        ),
    ),
    "patience": Setting(
        Message("Patience"),
        *(0, 1000),
        Message(
            "Evaluations without a better macro-F1 after which the run ends early; 0 for never."
        ),
    ),
    "evaluate_every": Setting(
        Message("Evaluate every"),
        *(0, 1_000_000),
        Message("Steps between evaluations, besides those after each epoch; 0 for none."),
    ),
    "checkpoint_minutes": Setting(
        Message("Minutes between checkpoints"),
        *(0.001, 1440.0),
        Message(
            "A run that was cut off goes on from its last one; the end of an epoch keeps one too, where "
            "that takes no more than a hundredth of the time."
        ),
    ),
    "log_interval": Setting(
        Message("Log interval"),
        *(1, 1_000_000),
        Message("Steps from one line of the run's log to the next."),
    ),
    "seed": Setting(
        Message("Seed"),
        *(0, 2**32 - 1),
        Message("The same seed and data give the same numbers on the same machine."),
    ),
}


@dataclass(frozen=True)
class TrainingConfig:
    """What a run trains with; the defaults are the notebook's.

    Attributes:
        model: a built-in model, a name on the Hugging Face hub, or a local directory.
        others: see `SETTINGS`.
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
    gradient_accumulation: int = 1
    class_weights: float = 0.0
    patience: int = 0
    evaluate_every: int = 0
    checkpoint_minutes: float = 10.0
    log_interval: int = 200
    seed: int = 42

    def __post_init__(self) -> None:
        """Raise `ConfigError` with every value that is out of its limits."""
        problems = [
            Message(
                "{setting} is {value}: give a number from {lowest} to {highest}.",
                {
                    "setting": setting.name,
                    "value": value,
                    "lowest": f"{setting.lowest:.10g}",
                    "highest": f"{setting.highest:.10g}",
                },
            )
            for name, setting in SETTINGS.items()
            if not setting.lowest <= (value := getattr(self, name)) <= setting.highest
        ]
        if problems:
            first, *others = problems
            raise ConfigError(first.text, also=tuple(others), **first.values)

    @property
    def sentences_a_step(self) -> int:
        return self.batch_size * self.gradient_accumulation

    def steps_per_epoch(self, rows: int) -> int:
        """Return the optimizer steps that one pass over so many sentences takes."""
        return -(-rows // self.sentences_a_step)


# What suits a model better than the notebook's values. Those of `mini` come from a small sweep, which its
# model card tells.
PRESETS: dict[str, dict[str, Any]] = {
    "mini": {"batch_size": 32, "epochs": 4, "learning_rate": 4e-4, "dropout": 0.1},
}


def preset(model: str) -> TrainingConfig:
    """Return the settings to begin with for `model`: its own, else the notebook's."""
    return TrainingConfig(model, **PRESETS.get(model, {}))
