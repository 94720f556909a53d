"""What the training loop counts: steps whose results still lie on the device, and the best evaluation."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from kobert_demo.events import Evaluation, Event, State, TrainStep

READ_INTERVAL = 0.2  # seconds between two looks at an accelerator's results: looking waits for it


@dataclass
class Best:
    """The best evaluation so far, by macro-F1 and then by loss, and how many came after it."""

    macro_f1: float = -1.0
    loss: float = math.inf
    since: int = 0

    def see(self, event: Event) -> None:
        if isinstance(event, Evaluation):
            self.since += 1
            if (event.macro_f1, -event.loss) > (self.macro_f1, -self.loss):
                self.macro_f1, self.loss, self.since = event.macro_f1, event.loss, 0

    def is_hopeless(self, patience: int) -> bool:
        return 0 < patience <= self.since


@dataclass
class Meter:
    """Keeps the steps whose results still lie on the device, and turns them into events."""

    device: torch.device
    epoch: int = 0
    step: int = 0
    right: int = 0
    seen: int = 0
    sentences: int = 0
    seconds: float = 0.0
    began: float = 0.0
    pending: list[tuple[int, float, torch.Tensor]] = field(default_factory=list)

    def start_epoch(self, epoch: int, anew: bool = True) -> None:
        """Begin an epoch, or go on within it."""
        self.epoch = epoch
        if anew:
            self.right = self.seen = 0
        self.resume()

    def state(self) -> State:
        """Return what of it outlives a checkpoint; called when nothing is pending."""
        names = ("right", "seen", "sentences", "seconds")
        return {name: getattr(self, name) for name in names}

    def resume(self) -> None:
        self.began = time.perf_counter()

    def add(self, rows: int, learning_rate: float, values: torch.Tensor) -> None:
        self.pending.append((rows, learning_rate, values))

    def due(self) -> bool:
        return self.device.type == "cpu" or time.perf_counter() - self.began > READ_INTERVAL

    def read(self) -> Iterator[TrainStep]:
        read = torch.stack([values for _, _, values in self.pending]).tolist()
        pause = (time.perf_counter() - self.began) / len(self.pending)
        for (rows, rate, _), (loss, right, norm) in zip(self.pending, read, strict=True):
            self.step += 1
            self.right, self.seen = self.right + int(right), self.seen + rows
            self.sentences, self.seconds = self.sentences + rows, self.seconds + pause
            accuracy = self.right / self.seen
            yield TrainStep(
                self.step, self.epoch, loss, accuracy, rate, norm, self.sentences, self.seconds
            )
        self.pending.clear()
        self.resume()
