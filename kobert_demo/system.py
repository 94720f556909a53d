"""What a machine does while a run trains: CPU and memory, and those of an NVIDIA GPU.

A thread beside the training loop takes a sample every two seconds (about a millisecond of one core).
What it cannot learn is left out, and what fails in it never reaches the run.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import psutil

from kobert_demo.beside import beside
from kobert_demo.store import Row, Run, RunStore

INTERVAL = 2.0  # seconds between two samples

log = logging.getLogger(__name__)


def sampled(store: RunStore, run: str) -> AbstractContextManager[None]:
    """Keep samples of the machine in the store for as long as the block lasts."""
    return beside(partial(_keep_samples, store, run))


def _keep_samples(store: RunStore, run: str, over: threading.Event) -> None:
    try:
        meter, before = Meter(), store.sample_ends(run)
        # Where a run goes on after a pause, so does its time.
        began = time.monotonic() - (before[-1]["seconds"] if before else 0.0)
        last = store.run(run)
        while not over.wait(INTERVAL):
            now = store.run(run)
            speed = _speed(last, now)
            seconds = time.monotonic() - began
            store.add_sample(
                run, {"seconds": seconds, "sentences_per_second": speed, **meter.read()}
            )
            last = last if speed is None else now
    except Exception as problem:
        log.warning("there are no more samples of the system: %s", problem)


def _speed(last: Run, now: Run) -> float | None:
    """Return sentences per second of training between two looks; None where no step has ended."""
    seconds = now.seconds - last.seconds
    return (now.sentences - last.sentences) / seconds if seconds > 0 else None


class Meter:
    """Reads what the machine does; the CPU's figures are those since the reading before."""

    def __init__(self) -> None:
        self._process, self._cores = psutil.Process(), psutil.cpu_count() or 1
        self._gpu = gpu_readings()
        self.read()  # from now on

    def read(self) -> Row:
        """Return the columns of a sample.

        `cpu` and `own_cpu` are shares of all cores, of the machine and of this process; `memory` (in
        use) and `own_memory` (resident) are bytes; `gpu` is the share of time in which it computed,
        `gpu_memory` bytes in use, `gpu_temperature` degrees Celsius, `gpu_power` watts.
        """
        return {
            "cpu": psutil.cpu_percent() / 100,
            "own_cpu": self._process.cpu_percent() / 100 / self._cores,
            "memory": psutil.virtual_memory().used,
            "own_memory": self._process.memory_info().rss,
            **{name: _answer(reading) for name, reading in self._gpu.items()},
        }


def gpu_readings() -> dict[str, Callable[[], float]]:
    """Return how NVIDIA's driver (NVML) tells each figure of the GPU that torch trains on; none without."""
    import torch

    if not torch.cuda.is_available():
        return {}
    try:
        import pynvml

        pynvml.nvmlInit()
        # Not by its number: CUDA_VISIBLE_DEVICES may have torch count otherwise than the driver.
        uuid = torch.cuda.get_device_properties(0).uuid
        gpu = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    except Exception as problem:
        log.warning("the GPU's driver tells nothing of it: %s", problem)
        return {}
    return {
        "gpu": lambda: pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100,
        "gpu_memory": lambda: pynvml.nvmlDeviceGetMemoryInfo(gpu).used,
        "gpu_temperature": lambda: pynvml.nvmlDeviceGetTemperature(
            gpu, pynvml.NVML_TEMPERATURE_GPU
        ),
        "gpu_power": lambda: pynvml.nvmlDeviceGetPowerUsage(gpu) / 1000,
    }


def _answer(reading: Callable[[], float]) -> float | None:
    """Return a figure, or None where the GPU has none of it or its driver fails."""
    try:
        return reading()
    except Exception as problem:
        log.debug("the GPU's driver said: %s", problem)
        return None
