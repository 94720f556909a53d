"""A float32 classifier -> the same in bfloat16, for CPUs that multiply it (Intel's AMX).

The weights of every linear layer are laid out once as the matrix units want them, where torch would do so
anew in each call: the numbers are the same, and a sentence on a model of KoBERT's size takes a fifth less.
"""

from typing import Any, Literal

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import PreTrainedModel
from transformers.activations import GELUActivation
from transformers.models.bert.modeling_bert import BertSelfAttention
from transformers.models.electra.modeling_electra import ElectraSelfAttention
from transformers.models.roberta.modeling_roberta import RobertaSelfAttention

from kobert_demo.device import multiplies_bfloat16
from kobert_demo.int8_inference import multiplies_int8
from kobert_demo.model_files import Shape

ATTENTIONS = (BertSelfAttention, ElectraSelfAttention, RobertaSelfAttention)
Precision = Literal["float32", "bfloat16", "int8"]
LARGE = 50_000_000  # weights in the layers: smaller models answer in a few milliseconds anyway


def quick_precision(shape: Shape) -> Precision:
    """Return in what an encoder of this shape answers quickest on this machine's CPU."""
    if shape.parameters < LARGE:
        return "float32"
    if multiplies_bfloat16("cpu"):
        return "bfloat16"
    return "int8" if multiplies_int8() else "float32"


def in_bfloat16(model: PreTrainedModel) -> PreTrainedModel:
    """Turn a classifier into bfloat16, in place, and return it; it can only be read from then on."""
    model = model.bfloat16()
    for module in list(model.modules()):
        if isinstance(getattr(module, "intermediate_act_fn", None), (nn.GELU, GELUActivation)):
            module.dense = PackedLinear(module.dense, "gelu")
            module.intermediate_act_fn = nn.Identity()
        for name, part in list(module.named_children()):
            if isinstance(part, ATTENTIONS):
                setattr(module, name, PackedAttention(part))
            elif isinstance(part, nn.Linear):
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


class PackedAttention(nn.Module):
    """An encoder's self-attention whose queries, keys and values come from one product."""

    def __init__(self, attention: Any) -> None:
        super().__init__()
        three = [attention.query, attention.key, attention.value]
        linear = nn.Linear(1, 1)
        linear.weight = nn.Parameter(torch.cat([part.weight for part in three]))
        linear.bias = nn.Parameter(torch.cat([part.bias for part in three]))
        self.linear = PackedLinear(linear)
        self.heads: int = attention.num_attention_heads

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        **_others: object,
    ) -> tuple[torch.Tensor, None]:
        rows, tokens, width = hidden_states.shape
        three = self.linear(hidden_states).view(rows, tokens, 3, self.heads, -1)
        query, key, value = three.permute(2, 0, 3, 1, 4)  # (rows, heads, tokens, width of a head)
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=attention_mask)
        return mixed.transpose(1, 2).reshape(rows, tokens, width), None
