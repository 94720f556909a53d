"""A float32 classifier -> the same in bfloat16, for CPUs with matrix units for it (Intel's AMX).

The weights of every linear layer are laid out once as the matrix units want them, where torch would do so
anew in each call: the numbers are the same, and a sentence on a model of KoBERT's size takes a fifth less.
"""

from typing import Any, Literal

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import PreTrainedModel
from transformers.activations import GELUActivation
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions
from transformers.models.bert.modeling_bert import BertLayer
from transformers.models.electra.modeling_electra import ElectraLayer
from transformers.models.roberta.modeling_roberta import RobertaLayer

from kobert_demo.device import has_matrix_units
from kobert_demo.int8_inference import multiplies_int8
from kobert_demo.model_files import Shape

LAYERS = (BertLayer, ElectraLayer, RobertaLayer)
Precision = Literal["float32", "bfloat16", "int8"]
LARGE = 50_000_000  # weights in the layers: smaller models answer in a few milliseconds anyway


def quick_precision(shape: Shape, device: str = "cpu") -> Precision:
    """Return in what an encoder of this shape answers quickest on a device of this machine."""
    if device != "cpu":
        return "bfloat16" if device == "cuda" else "float32"
    if shape.parameters < LARGE:
        return "float32"
    if has_matrix_units():
        return "bfloat16"
    return "int8" if multiplies_int8() else "float32"


def in_bfloat16(model: PreTrainedModel) -> PreTrainedModel:
    """Turn a classifier into bfloat16, in place, and return it; it can only be read from then on."""
    model = model.bfloat16()
    encoder = getattr(model.base_model, "encoder", None)
    if encoder is not None and all(isinstance(layer, LAYERS) for layer in encoder.layer):
        model.base_model.encoder = LeanEncoder(encoder)
    for module in list(model.modules()):
        for name, part in list(module.named_children()):
            if isinstance(part, nn.Linear):
                setattr(module, name, PackedLinear(part))
    return model


class PackedLinear(nn.Module):
    """A linear layer in bfloat16 whose weight is laid out for oneDNN's matrix product.

    Args:
        activation: what the product goes through on its way: `none`, or `gelu` (the exact one).
    """

    def __init__(self, linear: nn.Linear, activation: str = "none") -> None:
        super().__init__()
        self.activation = activation
        self.weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), None)
        self.bias = None if linear.bias is None else linear.bias.detach()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            inputs,
            self.weight,
            self.bias,
            self.activation,
            [],
            "none" if self.activation == "gelu" else "",
        )
        return product


class LeanEncoder(nn.Module):
    """The layers of an encoder in few calls: a fifth of a sentence's time went into Python around them."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.layers = nn.ModuleList(map(LeanLayer, encoder.layer))

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **_others: object,
    ) -> BaseModelOutputWithPastAndCrossAttentions:
        for layer in self.layers:
            hidden_states = layer(hidden_states, attention_mask)
        return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=hidden_states)


class LeanLayer(nn.Module):
    """An encoder's layer; queries, keys and values come from one product, and GELU is part of another."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        attention, bend = layer.attention.self, layer.intermediate.intermediate_act_fn
        three = [attention.query, attention.key, attention.value]
        linear = nn.Linear(1, 1)
        linear.weight = nn.Parameter(torch.cat([part.weight for part in three]))
        linear.bias = nn.Parameter(torch.cat([part.bias for part in three]))
        self.read, self.heads = PackedLinear(linear), attention.num_attention_heads
        self.mix, self.mix_norm = (
            PackedLinear(layer.attention.output.dense),
            layer.attention.output.LayerNorm,
        )
        exact = isinstance(bend, (nn.GELU, GELUActivation))
        self.widen = PackedLinear(layer.intermediate.dense, "gelu" if exact else "none")
        self.bend = nn.Identity() if exact else bend
        self.narrow, self.norm = PackedLinear(layer.output.dense), layer.output.LayerNorm

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        rows, tokens, width = hidden.shape
        three = self.read(hidden).view(rows, tokens, 3, self.heads, -1)
        query, key, value = three.permute(2, 0, 3, 1, 4)  # (rows, heads, tokens, width of a head)
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed = mixed.transpose(1, 2).reshape(rows, tokens, width)
        hidden = self.mix_norm(self.mix(mixed) + hidden)
        narrowed: torch.Tensor = self.norm(self.narrow(self.bend(self.widen(hidden))) + hidden)
        return narrowed
