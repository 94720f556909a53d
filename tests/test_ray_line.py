"""The line between a run on a cluster and its driver, without a cluster."""

import asyncio

import numpy as np
import pytest
import torch

from kobert_demo import ray_line
from kobert_demo.events import TrainStep
from kobert_demo.ray_line import WAITING, Line, pack


def step(number: int) -> TrainStep:
    return TrainStep(number, 1, 1.0, 1.0, 1.0, 1.0, 1, 1.0)


def test_what_is_told_is_heard_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_line, "LISTEN", 0.01)

    async def both() -> list[int]:
        line = Line()

        async def tell() -> None:
            for number in range(0, 40, 2):
                await line.say([step(number), step(number + 1)])
                await line.say([])

        telling = asyncio.create_task(tell())
        heard: list[int] = []
        while len(heard) < 40:
            heard += [event.step for event in await line.hear(False)]  # type: ignore[union-attr]
        await telling
        assert await line.hear(False) == []
        return heard

    assert asyncio.run(both()) == list(range(40))


def test_who_speaks_waits_for_who_listens() -> None:
    async def full() -> None:
        line = Line()
        for number in range(WAITING):
            await line.say([step(number)])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.say([step(9)]), 0.05)
        assert await line.hear(False) == [step(0)]
        await asyncio.wait_for(line.say([step(9)]), 5)

    asyncio.run(full())


def test_the_word_to_stop_is_the_answer_to_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_line, "LISTEN", 0.01)

    async def answers() -> list[bool]:
        line = Line()
        before = await line.say([step(1)])
        await line.hear(True)
        await line.hear(False)  # once said, it stays
        return [before, await line.say([])]

    assert asyncio.run(answers()) == [False, True]


def test_a_state_comes_through_to_the_last_bit() -> None:
    state = {"step": 3, "weights": torch.randn(3, 2), "best": {"loss": 0.1}}
    found = pack(state)()
    assert torch.equal(found["weights"], state["weights"])  # type: ignore[arg-type]
    assert (found["step"], found["best"]) == (3, {"loss": 0.1})


def test_nothing_but_tensors_and_numbers_is_unpickled() -> None:
    with pytest.raises(Exception, match="weights_only"):
        pack({"array": np.zeros(2), "call": print})()
