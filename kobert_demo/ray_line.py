"""The line between a run on a Ray cluster and its driver: events one way, the word to stop the other.

What is heard is heard in order and once; who speaks waits where the driver is slower.
"""

import asyncio
import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kobert_demo.events import Evaluating, Evaluation, Event, Settled, State, TrainStep
from kobert_demo.leaving import Stopped

if TYPE_CHECKING:
    from transformers import PreTrainedModel

HELD_BACK = 0.2  # seconds that steps are held back, so that fast training is not one message a step
LISTEN = 0.25  # seconds between two looks of the driver at what else there is to do
WAITING = 2  # messages that the driver may be behind


@dataclass(frozen=True)
class Packed:
    """A state on its way, as torch writes it."""

    content: bytes

    def __call__(self) -> State:
        """Return the state, its tensors on the CPU; nothing but tensors and numbers is unpickled."""
        import torch

        state: State = torch.load(io.BytesIO(self.content), map_location="cpu", weights_only=True)
        return state


@dataclass(frozen=True)
class Weights:
    """The model that the next evaluation is of."""

    state: Packed


Item = Event | Weights | Stopped  # the last where the run was left


class Line:
    """An actor between the two, on the driver's machine: it ends with the driver."""

    def __init__(self) -> None:
        self._items: asyncio.Queue[list[Item]] = asyncio.Queue(WAITING)
        self._stopping = False

    async def say(self, items: list[Item]) -> bool:
        """Take what rank 0 has to tell; return whether it shall stop."""
        if items:
            await self._items.put(items)
        return self._stopping

    async def hear(self, stopping: bool) -> list[Item]:
        """Return what was told first and not heard yet; nothing where nothing comes for a while."""
        self._stopping |= stopping
        try:
            return await asyncio.wait_for(self._items.get(), LISTEN)
        except TimeoutError:
            return []


class Speaker:
    """Rank 0's end of the line.

    Args:
        line: the handle of a `Line` actor.
        model: as it trains.
    """

    def __init__(self, line: Any, model: "PreTrainedModel") -> None:
        self._line, self._model = line, model
        self._untold: list[Item] = []
        self._told_at = 0.0
        self._answer: Any = None
        self._stopping = False

    def stopping(self) -> bool:
        return self._stopping

    def take(self, event: Event) -> None:
        """Tell an event, steps a little later."""
        if isinstance(event, Settled):
            event = Settled(event.step, event.owes_evaluation, pack(event.state()))
        if isinstance(event, Evaluation):
            self._untold.append(Weights(pack(self._model.state_dict())))
        late = time.monotonic() - self._told_at > HELD_BACK
        if late or not isinstance(event, Evaluating):  # of which one is as good as many
            self._untold.append(event)
        if late or not isinstance(event, TrainStep | Evaluating):
            self.tell()

    def tell(self, *more: Item) -> None:
        """Tell what was held back, once the message before it has arrived."""
        import ray

        if self._answer is not None:
            self._stopping |= ray.get(self._answer)
        self._answer = self._line.say.remote([*self._untold, *more])
        self._untold, self._told_at = [], time.monotonic()

    def finish(self, *more: Item) -> None:
        """Tell the last, and wait until it has arrived."""
        import ray

        self.tell(*more)
        ray.get(self._answer)


def pack(state: State) -> Packed:
    import torch

    written = io.BytesIO()
    torch.save(state, written)
    return Packed(written.getvalue())
