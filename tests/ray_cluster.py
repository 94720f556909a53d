"""A real Ray cluster of two nodes on this machine's loopback, each with an address of its own."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

# Not 127.0.0.1: for it, Ray takes the machine's address outside. Each process of tests has its own.
NETWORK = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
HEAD, SECOND, THIRD = (f"127.0.{NETWORK}.{number}" for number in (2, 3, 4))
STORE_BYTES = 100 * 2**20
ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0"}


def add_node(cluster: "Cluster", address: str, cpus: int = 1) -> None:
    cluster.add_node(
        num_cpus=cpus,
        node_ip_address=address,
        object_store_memory=STORE_BYTES,
        include_dashboard=False,
    )


@contextmanager
def two_nodes(cpus: int = 1) -> Iterator["Cluster"]:
    """Run a cluster whose driver's address is `.address`; nothing of it is left afterwards.

    Args:
        cpus: of each node.
    """
    cluster_utils = pytest.importorskip("ray.cluster_utils", reason="ray is not installed")
    # A short path: sockets lie below it, and their names end at 107 bytes.
    directory = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "RAY_TMPDIR": directory}.items():
            patch.setenv(name, value)
        cluster = cluster_utils.Cluster()
        try:
            for address in (HEAD, SECOND):
                add_node(cluster, address, cpus)
            yield cluster
        finally:
            cluster.shutdown()
            shutil.rmtree(directory, ignore_errors=True)
