"""Model bundle -> `Predictor` -> `Prediction`: sentences and what the model says of them."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedModel

from kobert_demo.batches import evaluation_batches
from kobert_demo.bundle import read_max_length
from kobert_demo.encoded import encode_texts
from kobert_demo.encoding import Encoding, encode
from kobert_demo.errors import ModelError
from kobert_demo.fast_inference import Precision, in_bfloat16, quick_precision
from kobert_demo.hub import digest
from kobert_demo.int8_inference import Int8Classifier
from kobert_demo.model import labels_of, load_classifier
from kobert_demo.model_files import find_model
from kobert_demo.stepping import precision
from kobert_demo.vocabularies import read_vocabulary

BATCH = {"cpu": 32, "mps": 128, "cuda": 512}  # sentences that a device reads at once


@dataclass(frozen=True)
class Prediction:
    """One classified sentence.

    Attributes:
        label: the most probable one.
        probabilities: label to probability, in the model's order; they add up to 1.
        encoding: what the model read.
    """

    text: str
    label: str
    probabilities: dict[str, float]
    encoding: Encoding


class Predictor:
    """A fine-tuned classifier with its vocabulary.

    Args:
        model: a bundle's directory, or the name of a built-in classifier.
        exact: compute in float32, also where bfloat16 or int8 is quicker.
        device: `cpu`, `mps` or `cuda`; one sentence alone is quick on a CPU, a file is not.

    Attributes:
        precision: what it computes in.

    Raises:
        ModelError: it cannot be loaded, or is no classifier.
    """

    def __init__(self, model: str, exact: bool = False, device: str = "cpu") -> None:
        files = find_model(model)
        self._name, self._files = files.name, files
        self.vocabulary = read_vocabulary(files.vocabulary)
        classifier = load_classifier(files, self.vocabulary)
        self.labels = labels_of(classifier)
        self._model: nn.Module = classifier
        self._device = torch.device(device)
        self.precision: Precision = "float32" if exact else quick_precision(files.shape, device)
        if device != "cpu":
            self._model = classifier.to(device)
        elif self.precision == "bfloat16":
            self._model = in_bfloat16(classifier)
        elif self.precision == "int8":
            self._model = Int8Classifier(classifier)
        self.max_length = read_max_length(files)

    @property
    def model(self) -> PreTrainedModel:
        """The classifier itself, where it computes in float32; to be read, never changed.

        Raises:
            ValueError: it computes in another precision.
        """
        if not isinstance(self._model, PreTrainedModel) or self.precision != "float32":
            raise ValueError(self.precision)
        return self._model

    @cached_property
    def sha256(self) -> str:
        """The hash of all files that the answers depend on."""
        files = (self._files.weights, self._files.directory / "config.json")
        parts = [digest(file) for file in files if file] + [self.vocabulary.sha256]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the probabilities of `texts`, in their order: (texts, labels).

        Raises:
            ModelError: the model's answers are no numbers.
        """
        return np.asarray(torch.from_numpy(self.logits(texts)).softmax(-1).numpy())

    def logits(
        self, texts: Sequence[str], progress: Callable[[float], None] = lambda share: None
    ) -> NDArray[np.float32]:
        """Return the logits of `texts`, in their order: (texts, labels).

        Args:
            progress: hears after each batch which share of the texts is done.

        Raises:
            ModelError: the model's answers are no numbers.
        """
        encoded = encode_texts(texts, np.arange(len(texts)), self.vocabulary, self.max_length)
        answers, done = torch.zeros(len(texts), len(self.labels), device=self._device), 0
        halved = self._device.type != "cpu" and self.precision == "bfloat16"
        with torch.inference_mode(), precision(self._device) if halved else nullcontext():
            for batch in evaluation_batches(encoded, BATCH[self._device.type]):
                padded = not batch.attention_mask.all()
                batch = batch.to(self._device)
                mask = batch.attention_mask if padded else None
                answer = self._model(input_ids=batch.input_ids, attention_mask=mask).logits
                answers[batch.labels] = answer.float()
                done += len(batch.labels)
                progress(done / len(texts))
        logits: NDArray[np.float32] = answers.cpu().numpy()
        if not np.isfinite(logits).all():
            raise ModelError(
                "{name} answers with values that are no numbers: it is broken, choose another model.",
                name=self._name,
            )
        return logits

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Classify `texts`, in their order.

        Raises:
            ModelError: the model's answers are no numbers.
        """
        return [
            Prediction(
                text,
                self.labels[int(row.argmax())],
                dict(zip(self.labels, map(float, row), strict=True)),
                encode(text, self.vocabulary, self.max_length),
            )
            for text, row in zip(texts, self.probabilities(texts), strict=True)
        ]
