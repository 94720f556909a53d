"""A classifier and a text -> `Attention`: where each head looks. It is no explanation of the answer."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from kobert_demo.encoding import Encoding


@dataclass(frozen=True)
class Attention:
    """The attention weights of one text.

    Attributes:
        tokens: the pieces, [CLS] and [SEP] included, without padding.
        weights: (layers, heads, tokens, tokens), float32: how much the third looks at the fourth; each row
            adds up to 1.
        on_padding: how much all of them look at padding in all: exactly 0, for it is masked.
    """

    tokens: tuple[str, ...]
    weights: NDArray[np.float32]
    on_padding: float

    @property
    def layers(self) -> int:
        return int(self.weights.shape[0])

    @property
    def heads(self) -> int:
        return int(self.weights.shape[1])

    def rollout(self) -> NDArray[np.float32]:
        """Return how much of each piece reaches each other one through all layers: (tokens, tokens).

        The product of the layers' attention, the mean of their heads, half of it the residual connection
        (Abnar and Zuidema 2020, arXiv:2005.00928). Rows add up to 1.
        """
        same = np.eye(len(self.tokens), dtype=np.float32)
        result = same
        for layer in self.weights.mean(1):
            result = (layer + same) / 2 @ result
        return result

    def mean_distance(self) -> NDArray[np.float32]:
        """Return how many pieces away each head looks on average: (layers, heads)."""
        places = np.arange(len(self.tokens))
        distances = np.abs(places[:, None] - places[None, :])
        return np.asarray((self.weights * distances).sum(-1).mean(-1))


def eager(model: PreTrainedModel) -> PreTrainedModel:
    """Return a classifier over the same weights that tells its attention, which the quick kinds do not."""
    shared = {id(weights): weights for weights in (*model.parameters(), *model.buffers())}
    twin: PreTrainedModel = copy.deepcopy(model, shared)
    twin.set_attn_implementation("eager")
    return twin


def attention(model: PreTrainedModel, encoding: Encoding) -> Attention:
    """Return where `model`, an `eager` one, looks in a text that is padded to `max_length`."""
    arrays, length = encoding.padded(), encoding.valid_length
    with torch.inference_mode():
        answer = model(
            input_ids=torch.tensor([arrays["input_ids"]]),
            attention_mask=torch.tensor([arrays["attention_mask"]]),
            output_attentions=True,
        )
    weights = torch.cat(tuple(answer.attentions)).float()  # (layers, heads, max_length, max_length)
    return Attention(
        encoding.tokens,
        weights[..., :length, :length].numpy(),
        float(weights[..., :length, length:].sum()),
    )
