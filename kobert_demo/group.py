"""What a process knows of those that train one run with it: its rank, and how they exchange numbers.

Every process takes its rows of every batch, and torch's DistributedDataParallel, put around the model by
Accelerate, adds up the gradients while they are computed: the step is that of the whole batch.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import cast

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

    def parallel(self, model: torch.nn.Module) -> torch.nn.Module:
        """Return `model` such that its backward pass leaves the mean of all processes' gradients."""
        return model

    def apart(self, model: torch.nn.Module) -> AbstractContextManager[object]:
        """Within it, what `parallel` returned keeps each process's gradients to itself.

        They are added to those of the next pass without it, which every process takes once a step.
        """
        return nullcontext()

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

    def parallel(self, model: torch.nn.Module) -> torch.nn.Module:
        from accelerate import Accelerator, DistributedDataParallelKwargs

        settings = DistributedDataParallelKwargs(gradient_as_bucket_view=True)
        accelerator = Accelerator(mixed_precision="no", kwargs_handlers=[settings])
        wrapped = accelerator.prepare_model(model, device_placement=False)
        # Buffers are constants here, and processes pass through the model a different number of times.
        wrapped.forward_sync_buffers = False
        return cast("torch.nn.Module", wrapped)

    def apart(self, model: torch.nn.Module) -> AbstractContextManager[object]:
        return cast("AbstractContextManager[object]", model.no_sync())  # type: ignore[operator]

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

    Args:
        device: of this process, such as `cuda:1`.
    """
    from accelerate import PartialState

    kind, _, number = device.partition(":")
    if kind == "cuda":
        os.environ["LOCAL_RANK"] = number or "0"  # Accelerate takes it for the GPU's number
    PartialState(cpu=kind != "cuda")
    return Processes()
