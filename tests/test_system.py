"""Samples of the machine: what psutil says for real, what a driver says, and a driver that fails."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pynvml
import pytest
import torch

from kobert_demo import system
from kobert_demo.store import Row, RunStore
from kobert_demo.system import Meter, sampled

BUSY_SECONDS = 0.3
PATIENCE = 20  # seconds, on a busy machine
UUID, OTHER = "01234567-89ab-cdef-0123-456789abcdef", "fedcba98-7654-3210-fedc-ba9876543210"
HOLDER = "held = bytes(range(250)) * 200_000; print(len(held), flush=True); input()"
PIPES: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


class Driver:
    """What NVML offers, as far as it is asked here; `broken` calls fail from then on."""

    NVML_TEMPERATURE_GPU = 0

    def __init__(self) -> None:
        self.broken: set[str] = set()

    def _answers(self, name: str, handle: object, value: object) -> object:
        assert handle in ("the GPU", "another")
        if name in self.broken:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return value

    def nvmlInit(self) -> None:
        if "init" in self.broken:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        return {f"GPU-{UUID}": "the GPU", f"GPU-{OTHER}": "another"}[uuid]

    def nvmlDeviceGetUtilizationRates(self, handle: object) -> object:
        gpu = 87 if handle == "the GPU" else 53
        return self._answers("utilization", handle, SimpleNamespace(gpu=gpu, memory=40))

    def nvmlDeviceGetMemoryInfo(self, handle: object) -> object:
        memory = SimpleNamespace(total=80 * 10**9, free=68 * 10**9, used=12 * 10**9)
        return self._answers("memory", handle, memory)

    def nvmlDeviceGetTemperature(self, handle: object, sensor: int) -> object:
        assert sensor == self.NVML_TEMPERATURE_GPU
        return self._answers("temperature", handle, 61 if handle == "the GPU" else 48)

    def nvmlDeviceGetPowerUsage(self, handle: object) -> object:
        return self._answers("power", handle, 312_500)


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    """Two GPUs for torch, which counts them otherwise than their driver does."""
    driver, uuids = Driver(), {"cuda:0": OTHER, "cuda:1": UUID}
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid=uuids[device])
    )
    for name in dir(driver):
        if name.startswith(("nvml", "NVML")):
            monkeypatch.setattr(pynvml, name, getattr(driver, name))  # fails where NVML has none
    return driver


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunStore]:
    monkeypatch.setattr(system, "INTERVAL", 0.02)
    store = RunStore(tmp_path / "runs.sqlite")
    store.add("r", "r", {}, steps=100)
    return store


def add_step(store: RunStore, number: int, seconds: float) -> None:
    zeros = dict.fromkeys(("loss", "accuracy", "learning_rate", "grad_norm"), 0.0)
    row = {"step": number, "epoch": 1, "sentences": 64 * number, "seconds": seconds, **zeros}
    store.add_steps("r", [row])


def wait_for(store: RunStore, column: str, count: int, after: float = -1) -> list[float]:
    """Return the values of a column when it has so many past a moment."""
    deadline = time.monotonic() + PATIENCE
    while len(values := store.samples("r", column, after)[1]) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return values


def test_the_cpu_and_the_memory_of_this_process_are_seen() -> None:
    meter = Meter(["cpu"])
    deadline = time.process_time() + BUSY_SECONDS
    began = time.monotonic()
    while time.process_time() < deadline:
        pass
    share = BUSY_SECONDS / (time.monotonic() - began) / (os.cpu_count() or 1)
    read = meter.read()
    assert read["own_cpu"] == pytest.approx(share, rel=0.3)
    assert 0.5 * read["own_cpu"] < read["cpu"] <= 1
    before = read["own_memory"]
    held = b"x" * 50_000_000
    assert meter.read()["own_memory"] - before > 0.9 * len(held)
    assert before < read["memory"] < psutil.virtual_memory().total


def test_without_a_gpu_its_figures_are_left_out() -> None:
    assert not any(name.startswith("gpu") for name in Meter(["cpu"]).read())


def test_a_gpu_is_read_in_shares_bytes_degrees_and_watts(driver: Driver) -> None:
    read = Meter(["cuda:1"]).read()
    assert (read["gpu"], read["gpu_memory"]) == (0.87, 12e9)
    assert (read["gpu_temperature"], read["gpu_power"]) == (61, 312.5)


def test_of_several_gpus_it_is_their_mean_their_sum_and_the_hottest(driver: Driver) -> None:
    read = Meter(["cuda:0", "cuda:1"]).read()
    assert (read["gpu"], read["gpu_memory"]) == (pytest.approx(0.7), 24e9)
    assert (read["gpu_temperature"], read["gpu_power"]) == (61, 625.0)


def test_the_other_processes_of_a_run_are_counted_while_they_live() -> None:
    alone = Meter(["cpu"]).read()["own_memory"]
    with subprocess.Popen([sys.executable, "-c", HOLDER], **PIPES) as other:
        assert other.stdout and other.stdin
        other.stdout.readline()
        meter = Meter(["cpu"])
        assert meter.read()["own_memory"] - alone > 40_000_000
        other.stdin.close()
        other.wait()
        assert meter.read()["own_memory"] - alone < 20_000_000


def test_a_figure_that_the_gpu_does_not_have_takes_no_other_with_it(driver: Driver) -> None:
    driver.broken = {"power"}
    read = Meter(["cuda:1"]).read()
    assert (read["gpu"], read["gpu_power"]) == (0.87, None)


def test_a_driver_that_is_not_there_leaves_the_cpu(driver: Driver) -> None:
    driver.broken = {"init"}
    read = Meter(["cuda:1"]).read()
    assert "gpu" not in read
    assert read["memory"] > 0


def test_a_driver_that_fails_in_the_middle_leaves_the_run_and_its_cpu(
    store: RunStore, driver: Driver
) -> None:
    with sampled(store, "r", ["cuda:1"]):
        assert wait_for(store, "gpu", 2)[:2] == [0.87, 0.87]
        driver.broken = {"utilization", "memory", "temperature", "power"}
        last = store.sample_ends("r")[-1]["seconds"]
        wait_for(store, "own_memory", 5, after=last)
    assert store.sample_ends("r")[-1]["gpu"] is None
    assert store.sample_ends("r")[0]["gpu_power"] == 312.5


def test_a_store_that_fails_ends_the_samples_and_not_the_run(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_run: str, _sample: Row) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(store, "add_sample", full)
    with sampled(store, "r", ["cpu"]):
        deadline = time.monotonic() + PATIENCE
        while "No space left" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert store.sample_ends("r") == []


def test_the_speed_is_that_of_the_steps_since_the_last_sample(store: RunStore) -> None:
    add_step(store, 1, seconds=1.0)
    with sampled(store, "r", ["cpu"]):
        wait_for(store, "own_memory", 2)
        assert store.samples("r", "sentences_per_second") == ([], [])  # none since it began
        add_step(store, 2, seconds=3.0)
        assert wait_for(store, "sentences_per_second", 1) == [32.0]
        add_step(store, 3, seconds=3.5)
        assert wait_for(store, "sentences_per_second", 2) == [32.0, 128.0]


def test_nothing_is_sampled_after_the_block_and_a_later_one_goes_on_in_time(
    store: RunStore,
) -> None:
    with sampled(store, "r", ["cpu"]):
        wait_for(store, "cpu", 3)
    seconds, _ = store.samples("r", "cpu")
    time.sleep(0.2)
    assert store.samples("r", "cpu")[0] == seconds
    with sampled(store, "r", ["cpu"]):
        wait_for(store, "cpu", len(seconds) + 2)
    later, _ = store.samples("r", "cpu")
    assert later[: len(seconds)] == seconds
    assert later == sorted(set(later))
    assert later[-1] < seconds[-1] + PATIENCE


def test_a_sample_costs_little(store: RunStore) -> None:
    """Less than 0.1 % of a core, at one in two seconds: 2 ms of its time."""
    meter = Meter(["cpu"])
    began = time.thread_time()
    for number in range(200):
        store.run("r")
        store.add_sample("r", {"seconds": number, "sentences_per_second": None, **meter.read()})
    assert (time.thread_time() - began) / 200 < 0.002
