"""A run's training loop on the workers of a Ray cluster -> its events here, as if it ran here.

Ray Train starts the workers and joins them to a torch process group; the loop is that of `training`.
Nothing is read or written on their machines: model, data and the state to go on from are sent to them, and
what is to be kept comes back.
"""

import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kobert_demo.config import TrainingConfig
from kobert_demo.encoded import Encoded
from kobert_demo.events import Event, State
from kobert_demo.leaving import Stopped, until_stopped
from kobert_demo.ray_cluster import ClusterLost
from kobert_demo.ray_line import Line, Speaker, Weights

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Work:
    """What every worker begins with.

    Attributes:
        random: torch's random state on the CPU after `model` was made.
    """

    model: "PreTrainedModel"
    random: "torch.Tensor"
    train_data: Encoded
    test_data: Encoded
    config: TrainingConfig
    start: State | None


def train_on_cluster(
    work: Work,
    kept: "PreTrainedModel",
    workers: int,
    gpus: int,
    stopping: Callable[[], bool],
) -> Iterator[Event]:
    """Train as `until_stopped(train(...))` does, by the workers of the cluster that is connected.

    Leaving in the middle leaves the workers to the end of the connection.

    Args:
        kept: is given the weights that an `Evaluation` is of before that is yielded.
        workers: how many train together; gpus: of each.

    Raises:
        Stopped: `stopping` said so; the last `Settled` has been told.
        ClusterLost: see there.
    """
    import ray
    from ray.exceptions import RayError
    from ray.train import TrainingFailedError

    line = _line()
    given = {"work": ray.put(work), "line": line}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        ended = _beside(_trainer(given, workers, gpus, directory).fit)
        heard = False
        try:
            while True:
                over = ended.done()  # before the look: what was told before the end is heard
                items = ray.get(line.hear.remote(stop := stopping()))
                heard |= bool(items)
                for item in items:
                    if isinstance(item, Stopped):
                        raise item
                    if isinstance(item, Weights):
                        kept.load_state_dict(item.state())
                    else:
                        yield item
                if stop and not heard:
                    raise Stopped
                if over and not items:
                    break
            ended.result()
        except (RayError, TrainingFailedError) as problem:
            raise ClusterLost(problem) from problem


def _line() -> Any:
    """Start a line on this machine: where a worker's machine dies, what it told is still heard."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(Line).options(num_cpus=0, scheduling_strategy=here).remote()


def _trainer(given: dict[str, Any], workers: int, gpus: int, directory: str) -> Any:
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    each = {"CPU": 1, **({"GPU": gpus} if gpus else {})}
    return TorchTrainer(
        _work,
        train_loop_config=given,
        scaling_config=ScalingConfig(
            num_workers=workers, use_gpu=gpus > 0, resources_per_worker=each
        ),
        run_config=RunConfig(storage_path=directory, failure_config=FailureConfig(max_failures=0)),
    )


def _beside(work: Callable[[], object]) -> Future[object]:
    """Run something in a thread that the end of this process does not wait for."""
    ended: Future[object] = Future()

    def run() -> None:
        try:
            ended.set_result(work())
        except BaseException as problem:
            ended.set_exception(problem)

    threading.Thread(target=run, daemon=True).start()
    return ended


def _work(given: dict[str, Any]) -> None:
    """Be one worker: train with the others, and tell the driver where this is rank 0."""
    import ray
    import torch
    from ray.train.torch import get_device

    from kobert_demo.group import joined
    from kobert_demo.training import train

    work: Work = ray.get(given["work"])
    device, config = get_device(), work.config
    group = joined(str(device))
    model = work.model.to(device)
    torch.manual_seed(config.seed)  # of the GPU
    torch.set_rng_state(work.random)
    events = train(model, work.train_data, work.test_data, config, work.start, group)
    if group.rank:
        for _ in events:
            pass
        return
    speaker = Speaker(given["line"], model)
    try:
        with closing(events):
            for event in until_stopped(events, config, len(work.train_data), speaker.stopping):
                speaker.take(event)
        speaker.finish()
    except Stopped as left:
        speaker.finish(left)
