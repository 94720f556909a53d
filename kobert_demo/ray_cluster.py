"""The address of a Ray cluster -> this process as a driver on it, with the package on every worker.

Ray is imported only by who enters `connected`.
"""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from kobert_demo.errors import ConfigError, NotNow, RunError

ADDRESS = "KOBERT_DEMO_RAY_ADDRESS"
ANSWER_SECONDS = 10
PACKAGE = Path(__file__).parent
UNSENT = [
    "__pycache__",
    "/data/",
    "/models/",
]  # of it: models and data are sent where they are needed


class ClusterLost(Exception):
    """A worker, or the machine that it was on, died or failed; `problem` is what Ray says of it."""

    def __init__(self, problem: Exception) -> None:
        super().__init__(str(problem))
        self.problem = problem


def cluster_address(given: str | None) -> str:
    """Return the address that was given, else that of the environment.

    Raises:
        ConfigError: there is neither, or it is that of Ray's client, on which Ray Data does not work.
    """
    address = (given or os.environ.get(ADDRESS, "")).strip()
    if not address:
        raise ConfigError(
            "Say where the Ray cluster is, such as 10.0.0.1:6379: as the address or in {variable}.",
            variable=ADDRESS,
        )
    if address.startswith("ray://"):
        raise ConfigError(
            "Ray's client (ray://) cannot do this work: make this machine a node of the cluster by "
            "ray start --address=HOST:6379 --num-cpus=0, and give HOST:6379."
        )
    return address


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be a driver on the cluster; its workers import this very package, whatever lies on their disks.

    Args:
        address: as `ray.init` takes it, such as `10.0.0.1:6379` or `auto`; this machine is a node of it.

    Raises:
        RunError: Ray is not installed.
        NotNow: the cluster does not answer, or refuses.
    """
    try:
        import ray
    except ImportError:
        raise RunError(
            "Ray is not installed here: pip install -r requirements-cluster.txt."
        ) from None
    if not _answers(address):
        raise _unreachable(address)
    ending = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address,
            runtime_env={"py_modules": [str(PACKAGE)], "excludes": UNSENT},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, RuntimeError, ValueError, AssertionError):  # what it raises for a refusal
        raise _unreachable(address) from None
    signal.signal(signal.SIGTERM, ending)  # Ray puts its own there
    with redirect_stdout(sys.stderr):  # Ray tells there of killed workers, some of it at its end
        try:
            yield
        finally:
            ray.shutdown()


def _answers(address: str) -> bool:
    """Say whether a gRPC server is there: Ray itself would ask for five minutes."""
    import grpc

    if address == "auto":
        return True
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(ANSWER_SECONDS)
        except grpc.FutureTimeoutError:
            return False
    return True


def check_size(workers: int, gpus: int) -> None:
    """Raise `RunError` where all of the connected cluster is too small for so many workers.

    Args:
        gpus: that each of them takes, besides a processor core.
    """
    import ray

    cpus, all_gpus = _counts(ray.cluster_resources())  # type: ignore[no-untyped-call]
    if cpus < workers or all_gpus < workers * gpus:
        raise RunError(
            "{workers} workers with {gpus} GPUs each were asked for, and the Ray cluster has {cpus} "
            "processor cores and {all_gpus} GPUs in all: choose fewer.",
            workers=workers,
            gpus=gpus,
            cpus=cpus,
            all_gpus=all_gpus,
        )


def check_room(workers: int, gpus: int) -> None:
    """Raise `NotNow` where too little of the connected cluster is free for so many workers."""
    import ray

    cpus, all_gpus = _counts(ray.available_resources())  # type: ignore[no-untyped-call]
    if cpus < workers or all_gpus < workers * gpus:
        raise NotNow(
            "The Ray cluster has {cpus} processor cores and {all_gpus} GPUs free, too few for {workers} "
            "workers with {gpus} GPUs each: wait for other work on it, or choose fewer.",
            workers=workers,
            gpus=gpus,
            cpus=cpus,
            all_gpus=all_gpus,
        )


def _counts(resources: dict[str, float]) -> tuple[int, int]:
    return int(resources.get("CPU", 0)), int(resources.get("GPU", 0))


def _unreachable(address: str) -> NotNow:
    return NotNow(
        "The Ray cluster at {address} does not answer: check the address, that it is running and "
        "that it has the same versions of Ray and Python.",
        address=address,
    )
