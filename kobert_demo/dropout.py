"""Dropout on a CPU, drawn 16 bits an element instead of by torch's Bernoulli numbers.

Those took a seventh of a training step of `mini`. The bits come from torch's own generator, so that a run
that goes on from a checkpoint draws what it would have drawn.
"""

import torch
from torch import nn

LEVELS = 2**16  # a probability is rounded to one of so many


class BitDropout(nn.Dropout):
    """What `nn.Dropout` does, with the probability rounded to a 65,536th (Srivastava et al. 2014)."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return `values`, in training with each set to 0 by chance, the others scaled to keep the mean."""
        if not self.training or not self.p:
            return values
        count = values.numel()
        drawn = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
        bits = drawn.view(torch.int16)[:count].view(values.shape)
        threshold = round(self.p * LEVELS) - LEVELS // 2
        kept = torch.ge(bits, threshold, out=torch.empty_like(values))
        return values * kept.mul_(1 / (1 - self.p))


def use_bits(model: nn.Module) -> None:
    """Replace each `nn.Dropout` of a model that is on a CPU, in place."""
    for module in model.modules():
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, BitDropout(child.p))
