"""A float32 classifier -> the same in int8, for CPUs that multiply bytes (AVX-512 VNNI) and no matrices.

Weights have a scale for each output, inputs one for each call (torch's dynamic quantisation). That alone
changes one answer in some seventy, all of them where two labels are nearly as probable; so those sentences
are asked again in float32. What it costs and what it changes: benchmarks/RESULTS.md.
"""

import warnings
from copy import deepcopy

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

NEAR = 0.1  # between the two largest probabilities: more than twice what int8 usually changes


def multiplies_int8() -> bool:
    """Say whether this CPU multiplies bytes without losing sums that are too large for 16 bits."""
    return torch.cpu._is_vnni_supported() and "x86" in torch.backends.quantized.supported_engines


class Int8Classifier(nn.Module):
    """A classifier that answers in int8, and where two labels are close, in float32.

    Args:
        exact: the float32 classifier, in evaluation mode; its embeddings are shared.
    """

    def __init__(self, exact: PreTrainedModel) -> None:
        super().__init__()
        embeddings = exact.get_input_embeddings()
        self.exact = exact
        self.quick = deepcopy(exact, {id(embeddings): embeddings})
        for module in list(self.quick.base_model.modules()):
            for name, part in list(module.named_children()):
                if isinstance(part, nn.Linear):
                    setattr(module, name, Int8Linear(part))

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None
    ) -> SequenceClassifierOutput:
        logits = self.quick(input_ids=input_ids, attention_mask=attention_mask).logits
        best = logits.softmax(-1).topk(2).values  # (sentences, 2)
        near = best[:, 0] - best[:, 1] < NEAR
        if near.any():
            mask = None if attention_mask is None else attention_mask[near]
            logits[near] = self.exact(input_ids=input_ids[near], attention_mask=mask).logits
        return SequenceClassifierOutput(logits=logits)


class Int8Linear(nn.Module):
    """A linear layer with a weight of bytes."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach()
        scales = weight.abs().amax(1).clamp(min=1e-12).double() / 127
        zeros = torch.zeros(len(scales), dtype=torch.int64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # quantised tensors will go from torch one day
            quantized = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        bias = None if linear.bias is None else linear.bias.detach()
        self._packed = torch.ops.quantized.linear_prepack(quantized, bias)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = torch.ops.quantized.linear_dynamic(
            inputs, self._packed, reduce_range=False
        )
        return product
