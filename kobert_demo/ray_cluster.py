"""The address of a Ray cluster -> this process as a driver on it, with the package on every worker.

Ray is imported only by who enters `connected`.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from kobert_demo.errors import ConfigError, RunError

ADDRESS = "KOBERT_DEMO_RAY_ADDRESS"
ANSWER_SECONDS = 10
PACKAGE = Path(__file__).parent


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
        RunError: Ray is not installed, or the cluster does not answer or refuses.
    """
    try:
        import ray
    except ImportError:
        raise RunError(
            "Ray is not installed here: pip install -r requirements-cluster.txt."
        ) from None
    if not _answers(address):
        raise _unreachable(address)
    try:
        ray.init(
            address,
            runtime_env={"py_modules": [str(PACKAGE)], "excludes": ["__pycache__"]},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, RuntimeError, ValueError, AssertionError):  # what it raises for a refusal
        raise _unreachable(address) from None
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


def _unreachable(address: str) -> RunError:
    return RunError(
        "The Ray cluster at {address} does not answer: check the address, that it is running and "
        "that it has the same versions of Ray and Python.",
        address=address,
    )
