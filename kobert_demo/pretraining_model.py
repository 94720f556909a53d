"""The encoder in pretraining: hidden words, a head for each question, a good start, checkpoints.

This module knows nothing of the corpus or of how the training goes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear
from transformers import BertConfig, BertModel

from kobert_demo.batches import Batch
from kobert_demo.encoding import Vocabulary
from kobert_demo.pretraining_data import EMOTIONS, STARS

NEIGHBOURS = 5  # pieces on either side that count as company


class Masking:
    """Hides whole words: of those asked for 80 % as [MASK], 10 % as any pieces, 10 % not at all."""

    def __init__(self, vocabulary: Vocabulary, part: float) -> None:
        self.mask_id, self.size, self.part = vocabulary.mask_id, len(vocabulary), part
        special = {vocabulary.pad_id, vocabulary.cls_id, vocabulary.sep_id, vocabulary.mask_id}
        self.special = torch.tensor([i in special for i in range(self.size)])
        starts = [vocabulary.piece(i).startswith("▁") for i in range(self.size)]
        self.starts_word = torch.tensor(starts) | self.special

    def __call__(self, ids: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Return the ids with words hidden, and where a piece is asked for: (sentences, tokens)."""
        generator = torch.Generator().manual_seed(seed)
        words = self.starts_word[ids].cumsum(1)
        draws = torch.rand(ids.shape, generator=generator).gather(1, words - 1)
        pieces = torch.randint(self.size, ids.shape, generator=generator)
        asked = (draws < self.part) & ~self.special[ids]
        hidden = torch.where(asked & (draws < 0.8 * self.part), self.mask_id, ids)
        changed = asked & (draws >= 0.8 * self.part) & (draws < 0.9 * self.part)
        return torch.where(changed, pieces, hidden), asked


class Pretrainer(nn.Module):
    """The encoder with a head for masked pieces, which shares the embeddings, and two pooled ones."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        # On two cores and short texts, eager attention took two thirds of the time of SDPA's.
        self.bert = BertModel._from_config(config, attn_implementation="eager")
        self.masked = nn.Sequential(
            nn.Linear(config.hidden_size, config.hidden_size),
            nn.GELU(),
            nn.LayerNorm(config.hidden_size),
        )
        self.masked_bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.stars = nn.Linear(config.hidden_size, STARS)
        self.emotion = nn.Linear(config.hidden_size, len(EMOTIONS))

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, asked: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits: (asked pieces, vocabulary), (sentences, stars), (sentences, emotions).

        Args:
            input_ids, attention_mask, asked: (sentences, tokens); `asked` is true where the piece
                is to be told.
        """
        rows, tokens = input_ids.shape
        # Only [CLS] and the asked places go through the last feed-forward layer: a tenth is saved.
        first = torch.arange(rows, device=input_ids.device) * tokens
        wanted = torch.cat([first, asked.flatten().nonzero().flatten()])
        mask = None
        if not attention_mask.all():
            hidden_from = (1 - attention_mask) * -30000.0
            mask = hidden_from.to(self.masked_bias.dtype)[:, None, None, :]
        hidden = self.bert.embeddings(input_ids=input_ids)
        *layers, last = self.bert.encoder.layer
        for layer in layers:
            hidden = layer(hidden, mask)
        hidden = last.attention(hidden, mask)[0].flatten(0, 1)[wanted]
        hidden = last.feed_forward_chunk(hidden)
        pooled = self.bert.pooler(hidden[:rows, None])
        embeddings = self.bert.embeddings.word_embeddings.weight
        masked = linear(self.masked(hidden[rows:]), embeddings, self.masked_bias)
        return masked, self.stars(pooled), self.emotion(pooled)


def build(config: BertConfig, ids: NDArray[np.int32]) -> Pretrainer:
    """Return a model that has learnt from `ids` what can be counted: frequencies and company."""
    model = Pretrainer(config)
    counts = np.bincount(ids, minlength=config.vocab_size)
    embeddings = company_embeddings(ids, config.vocab_size, config.hidden_size)
    with torch.no_grad():
        model.masked_bias.copy_(torch.from_numpy(np.log((counts + 1) / counts.sum())))
        model.bert.embeddings.word_embeddings.weight.copy_(embeddings)
    return model


def company_embeddings(ids: NDArray[np.int32], size: int, width: int) -> Tensor:
    """Return embeddings in which pieces that keep the same company lie close: (size, width).

    They are the first singular vectors of the pieces' positive pointwise mutual information, which
    takes seconds and spares a part of the first pass.
    """
    together = np.zeros(size * size, dtype=np.float32)
    for distance in range(1, NEIGHBOURS + 1):
        pairs = ids[:-distance].astype(np.int64) * size + ids[distance:]
        together += np.bincount(pairs, minlength=size * size).astype(np.float32) / distance
    counts = torch.from_numpy(together).view(size, size)
    counts = counts + counts.T
    seen = counts.sum(1) + 1
    # Contexts are smoothed (power 0.75): rare ones would otherwise count for too much.
    expected = seen[:, None] * (seen**0.75 / (seen**0.75).sum())
    information = (counts / expected).clamp(min=1).log()
    left, strength, _ = torch.svd_lowrank(information, q=width, niter=2)
    embeddings = left * strength.sqrt()
    embeddings = embeddings - embeddings.mean(0)
    return embeddings * (0.03 / embeddings.std())


def measure(
    model: Pretrainer, batch: Batch, masking: Masking, seed: int, stars_weight: Tensor
) -> Tensor:
    """Return the losses of masked words, stars and emotions: (3)."""
    device = model.masked_bias.device
    hidden, asked = masking(batch.input_ids, seed)
    answers = batch.input_ids[asked].to(device)
    labels = batch.labels.to(device)
    masked, stars, emotion = model(
        hidden.to(device), batch.attention_mask.to(device), asked.to(device)
    )
    return torch.stack(
        [
            piece_loss(masked, answers),
            known_loss(stars, torch.where(labels < STARS, labels, -1), stars_weight),
            known_loss(emotion, labels - STARS),
        ]
    )


class PieceLoss(torch.autograd.Function):
    """Mean cross-entropy over the vocabulary, computed in float32 whatever the logits are.

    Backward reuses forward's exponentials, in place: with `log_softmax` this loss took a third of a
    step on two cores, like this it takes a twentieth.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits (pieces, vocabulary) and targets (pieces); 0 for no pieces."""
        likely = logits - logits.amax(1, keepdim=True).float()  # float32, and no view of the logits
        right = likely.gather(1, target[:, None])
        likely = likely.exp()
        total = likely.sum(1, keepdim=True)
        ctx.save_for_backward(likely, total, target)
        ctx.dtype = logits.dtype
        return (total.log() - right).sum() / max(1, len(target))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        likely, total, target = ctx.saved_tensors
        share = gradient / max(1, len(target))
        likely.mul_(share / total)
        likely[torch.arange(len(target), device=target.device), target] -= share
        return likely.to(ctx.dtype), None


def piece_loss(logits: Tensor, target: Tensor) -> Tensor:
    loss: Tensor = PieceLoss.apply(logits, target)  # type: ignore[no-untyped-call]
    return loss


def weigh_stars(labels: NDArray[np.int64]) -> Tensor:
    """Return the weight of each number of stars: the root of its rarity; most reviews give ten."""
    given = labels[(labels >= 0) & (labels < STARS)]
    return torch.from_numpy((np.bincount(given, minlength=STARS) + 1.0) ** -0.5).float()


def known_loss(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the mean cross-entropy where the target is known (not negative); 0 where none is."""
    known = target >= 0
    if not known.any():
        return logits.sum() * 0
    return cross_entropy(logits[known].float(), target[known], weight=weight)


def save_checkpoint(
    path: Path, model: Pretrainer, optimizers: list[torch.optim.Optimizer], step: int
) -> None:
    part = path.with_suffix(".part")
    states = [optimizer.state_dict() for optimizer in optimizers]
    torch.save({"step": step, "model": model.state_dict(), "optimizers": states}, part)
    part.replace(path)


def load_checkpoint(path: Path, model: Pretrainer, optimizers: list[torch.optim.Optimizer]) -> int:
    """Fill model and optimizers from `path` and return its step; 0 where there is none."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location=model.masked_bias.device, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    step: int = state["step"]
    return step


def export(model: Pretrainer, folder: Path) -> None:
    """Write encoder and pooler as float16 to `folder`, named as `BertModel` names them."""
    part = folder / "model.part"
    weights = {name: tensor.half().cpu() for name, tensor in model.bert.state_dict().items()}
    save_file(weights, part, metadata={"format": "pt"})
    part.replace(folder / "model.safetensors")
