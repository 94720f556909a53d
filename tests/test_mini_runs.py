"""What a run of `mini` on real comments does with its settings, in a real worker, and what it tells."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kobert_demo.runs import Runs
from tests.conftest import needs_comments
from tests.test_resume import launch
from tests.test_runs import ended, until

pytestmark = needs_comments


def test_what_batches_and_class_weights_do_to_a_run(runs: Runs) -> None:
    settings: dict[str, dict[str, object]] = {
        "accumulated": {"batch_size": 4, "gradient_accumulation": 2},
        "large": {"batch_size": 8},
        "weighted": {"batch_size": 8, "class_weights": 1.0},
    }
    started = {name: launch(runs, **values) for name, values in settings.items()}
    for run in started.values():
        assert until(runs, run, ended).status == "finished", runs.log(run)
    losses = {name: runs.store.curve(run, "steps", "loss")[1] for name, run in started.items()}
    # Two batches of four whose gradients add up are one of eight: the same steps, but for dropout.
    assert losses["accumulated"] == pytest.approx(losses["large"], abs=0.3)
    assert len(losses["weighted"]) == len(losses["large"])
    # Seed, batches and dropout are the same: did rare labels not count for more, so were the losses.
    assert np.abs(np.subtract(losses["weighted"], losses["large"])).mean() > 0.02, losses
    assert len({runs.get(run).sentences for run in started.values()}) == 1


def test_of_two_launches_at_one_instant_one_waits(runs: Runs) -> None:
    together = threading.Barrier(2)

    def start(_: int) -> str:
        together.wait()
        return launch(runs, epochs=2)

    with ThreadPoolExecutor(2) as pool:
        first, second = sorted(
            (until(runs, run, ended) for run in pool.map(start, range(2))),
            key=lambda run: run.started_at or 0,
        )
    for run in (first, second):
        assert run.status == "finished", runs.log(run.run)
    assert first.ended_at
    assert second.started_at
    assert first.ended_at <= second.started_at


def test_what_the_machine_did_is_on_the_time_axis_of_the_run(runs: Runs) -> None:
    run = launch(runs, epochs=1000, checkpoint_minutes=100)
    until(runs, run, lambda _: len(runs.store.samples(run, "sentences_per_second")[0]) > 1)
    runs.stop(run)
    stopped = until(runs, run, ended)
    seconds, speed = runs.store.samples(run, "sentences_per_second")
    assert seconds == sorted(seconds)
    assert stopped.started_at
    assert stopped.ended_at
    assert 0 < seconds[-1] < stopped.ended_at - stopped.started_at
    assert min(speed) > 0
    for share in ("cpu", "own_cpu"):
        assert 0 < max(runs.store.samples(run, share)[1]) <= 1
    own, everything = (runs.store.samples(run, name)[1] for name in ("own_memory", "memory"))
    assert 10**8 < max(own) < max(everything)
