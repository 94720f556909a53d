"""What a process knows of those that train one run with it: its rank, and how they exchange numbers.

Every process takes its rows of every batch, and adds up gradients with the others before the optimizer's
step: the step is that of the whole batch. They are added once a step's own are complete, and not while
they are computed, as torch's DistributedDataParallel does: so each may split its rows as its memory
asks, try them again in halves, and read a bfloat16 copy, without the others waiting for its parts.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Group:
    """The processes that train one run; this one, alone.

    Attributes:
        rank: which of them this is, from 0. Rank 0 tells the others when to leave.
        size: how many they are.
    """

    rank: int = 0
    size: int = 1

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sum over all processes; all call this in the same order, with one shape."""
        return values

    def goes_on(self, on: bool = True) -> bool:
        """Say on rank 0 whether to go on, and return on every rank what it said."""
        return on


ALONE = Group()


class Processes(Group):
    """The processes of a `torch.distributed` group that exists already, whoever started them."""

    def __init__(self) -> None:
        import torch.distributed as distributed

        super().__init__(distributed.get_rank(), distributed.get_world_size())
        # Words go from CPU to CPU: nobody waits for a GPU to learn whether to queue its next step.
        object.__setattr__(self, "_words", distributed.new_group(backend="gloo"))

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        from accelerate.utils import reduce

        total: torch.Tensor = reduce(values, "sum")
        return total

    def goes_on(self, on: bool = True) -> bool:
        from torch.distributed import broadcast

        word = torch.tensor([on])
        broadcast(word, 0, group=self._words)  # type: ignore[attr-defined]
        return bool(word)


def joined(device: str) -> Group:
    """Join the group that the environment names (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT).

    Where torch's process group is there already, it is used. Over NCCL on CUDA, else over gloo.
    """
    from accelerate import PartialState

    PartialState(cpu=not device.startswith("cuda"))
    return Processes()
