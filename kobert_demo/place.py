"""Where a run trains, and by how many processes: chosen at its launch, and nothing that it learns from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a run trains.

    Attributes:
        processes: how many share each batch, each on a GPU of its own where there are GPUs; 0 for one on
            each GPU of this machine.
        address: of a Ray cluster; empty for the machine that launches.
        gpus: of the cluster, for each process; 0 trains on its CPUs.
        storage: a directory that all of the cluster reaches, or the URL of an object store.
        waits: whether the run waits for a cluster that has no room, rather than fail.
    """

    processes: int = 1
    address: str = ""
    gpus: int = 0
    storage: str = ""
    waits: bool = True


HERE = Place()
