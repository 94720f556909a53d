"""What a machine does while a run trains: CPU and memory, and those of the run's NVIDIA GPUs.

A thread beside the training loop takes a sample every two seconds (about a millisecond of one core).
What it cannot learn is left out, and what fails in it never reaches the run.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from statistics import mean
from typing import Any

import psutil

from kobert_demo.beside import beside
from kobert_demo.store import Row, Run, RunStore

INTERVAL = 2.0  # seconds between two samples

log = logging.getLogger(__name__)


def sampled(store: RunStore, run: str, devices: Sequence[str]) -> AbstractContextManager[None]:
    """Keep samples of the machine in the store for as long as the block lasts.

    Args:
        devices: those that the run trains on, such as `cuda:1`.
    """
    return beside(partial(_keep_samples, store, run, devices))


def _keep_samples(store: RunStore, run: str, devices: Sequence[str], over: threading.Event) -> None:
    try:
        meter, before = Meter(devices), store.sample_ends(run)
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

    def __init__(self, devices: Sequence[str]) -> None:
        own = psutil.Process()
        self._processes = [own, *own.children()]
        self._cores = psutil.cpu_count() or 1
        self._gpu = gpu_readings(devices)
        self.read()  # from now on

    def read(self) -> Row:
        """Return the columns of a sample.

        `cpu` and `own_cpu` are shares of all cores, of the machine and of the run's processes; `memory`
        (in use) and `own_memory` (resident) are bytes. Of the run's GPUs, `gpu` is the mean share of time
        in which they computed, `gpu_memory` the bytes in use on all, `gpu_temperature` the degrees
        Celsius of the hottest, `gpu_power` the watts of all.
        """
        own = [_own(process) for process in self._processes]
        return {
            "cpu": psutil.cpu_percent() / 100,
            "own_cpu": sum(cpu for cpu, _ in own) / 100 / self._cores,
            "memory": psutil.virtual_memory().used,
            "own_memory": sum(memory for _, memory in own),
            **{name: _answer(reading) for name, reading in self._gpu.items()},
        }


def _own(process: psutil.Process) -> tuple[float, int]:
    """Return percents of a core and resident bytes; nothing where the process has ended."""
    try:
        return process.cpu_percent(), process.memory_info().rss
    except psutil.Error:
        return 0.0, 0


def gpu_readings(devices: Sequence[str]) -> dict[str, Callable[[], float]]:
    """Return how NVIDIA's driver (NVML) tells each figure of GPUs such as `cuda:1`; none without any."""
    gpus = [device for device in devices if device.startswith("cuda")]
    if not gpus:
        return {}
    try:
        import pynvml
        import torch

        pynvml.nvmlInit()
        # Not by their numbers: CUDA_VISIBLE_DEVICES may have torch count otherwise than the driver.
        uuids = [torch.cuda.get_device_properties(gpu).uuid for gpu in gpus]
        handles = [pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}") for uuid in uuids]
    except Exception as problem:
        log.warning("the GPU's driver tells nothing of it: %s", problem)
        return {}

    def of_all(reading: Callable[[Any], float], combined: Callable[[list[float]], float]) -> Any:
        return lambda: combined([reading(gpu) for gpu in handles])

    return {
        "gpu": of_all(lambda gpu: pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100, mean),
        "gpu_memory": of_all(lambda gpu: pynvml.nvmlDeviceGetMemoryInfo(gpu).used, sum),
        "gpu_temperature": of_all(
            lambda gpu: pynvml.nvmlDeviceGetTemperature(gpu, pynvml.NVML_TEMPERATURE_GPU), max
        ),
        "gpu_power": of_all(lambda gpu: pynvml.nvmlDeviceGetPowerUsage(gpu) / 1000, sum),
    }


def _answer(reading: Callable[[], float]) -> float | None:
    """Return a figure, or None where the GPU has none of it or its driver fails."""
    try:
        return reading()
    except Exception as problem:
        log.debug("the GPU's driver said: %s", problem)
        return None
