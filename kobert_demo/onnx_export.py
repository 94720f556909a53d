"""A bundle -> an ONNX file, checked in onnxruntime against the bundle itself.

It takes `input_ids` and `attention_mask`, int64 (batch, tokens): any batch, and as many tokens as the
model has positions. It gives `logits`, float32 (batch, labels). Its metadata tells `labels` (JSON) and
`max_length`.
"""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from transformers import PreTrainedModel

from kobert_demo.bundle import read_max_length
from kobert_demo.errors import ModelError
from kobert_demo.model import labels_of, load_classifier
from kobert_demo.model_files import find_model
from kobert_demo.vocabularies import read_vocabulary

TOLERANCE = 1e-4  # between logits
SIZES = ((1, 3), (3, 17), (2, 64))  # (batch, tokens): the middle one is traced, all are compared
INPUTS = ("input_ids", "attention_mask")


class _Logits(torch.nn.Module):
    """A classifier whose forward pass takes and gives bare tensors."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def export_onnx(bundle: Path, out: Path) -> None:
    """Write the bundle's classifier to `out`.

    Raises:
        ModelError: the bundle cannot be loaded, or onnxruntime's logits differ by more than `TOLERANCE`.
    """
    files = find_model(str(bundle))
    vocabulary = read_vocabulary(files.vocabulary)
    model = _Logits(load_classifier(files, vocabulary)).eval()
    sizes = [(rows, min(tokens, files.shape.positions)) for rows, tokens in SIZES]
    examples = [_example(*size, vocabulary.pad_id, len(vocabulary)) for size in sizes]
    batch = torch.export.Dim("batch")
    tokens = torch.export.Dim("tokens", max=files.shape.positions)
    with _quiet():
        program = torch.onnx.export(
            model,
            examples[1],
            input_names=INPUTS,
            output_names=("logits",),
            dynamic_shapes=({0: batch, 1: tokens},) * len(INPUTS),
            verbose=False,
        )
    assert program is not None
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # stack traces with this machine's paths
    labels = json.dumps(labels_of(model.model), ensure_ascii=False)
    program.model.metadata_props["labels"] = labels
    program.model.metadata_props["max_length"] = str(read_max_length(files))
    program.save(out, external_data=False)
    _compare(model, out, examples)


def _example(rows: int, tokens: int, pad_id: int, pieces: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, (rows, tokens), whose last row is padded."""
    input_ids = torch.arange(rows * tokens).reshape(rows, tokens) % pieces
    attention_mask = torch.ones_like(input_ids)
    attention_mask[-1, (tokens + 1) // 2 :] = 0
    input_ids[attention_mask == 0] = pad_id
    return input_ids, attention_mask


def _compare(model: _Logits, path: Path, examples: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for example in examples:
        named = {name: value.numpy() for name, value in zip(INPUTS, example, strict=True)}
        (found,) = session.run(["logits"], named)
        with torch.inference_mode():
            difference = float(np.abs(found - model(*example).numpy()).max())
        if not difference <= TOLERANCE:
            raise ModelError(
                "The ONNX file's logits differ by {difference} from the model's: export a directory "
                "instead.",
                difference=f"{difference:.1e}",
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's advice to its developers to itself."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
