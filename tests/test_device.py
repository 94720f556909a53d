"""The device: found in a process of its own, and what it means for the time."""

import subprocess
import sys

import pytest

from kobert_demo import device as device_module
from kobert_demo.device import (
    START_SECONDS,
    Device,
    devices,
    probe_elsewhere,
    training_seconds,
    training_threads,
)
from kobert_demo.processes import PROJECT


def test_the_device_is_found_without_importing_torch_here() -> None:
    code = (
        "import sys; from kobert_demo.device import probe_elsewhere; found = probe_elsewhere(); "
        "print(found.kind); sys.exit('torch' in sys.modules)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    assert finished.stdout.strip() in ("cuda", "mps", "cpu")


def test_a_probe_measures_a_plausible_speed() -> None:
    found = probe_elsewhere()
    assert found.threads >= 1
    assert 1e9 < found.flops < 1e16


def test_the_expected_time_follows_the_work() -> None:
    device = Device("cpu", "", 2, flops=1e11)
    assert training_seconds(device, 1_000_000, 1_000_000) == pytest.approx(START_SECONDS + 120)
    assert training_seconds(device, 2_000_000, 1_000_000) == pytest.approx(START_SECONDS + 240)


def test_a_run_leaves_the_app_a_core_where_there_are_more_than_two() -> None:
    assert [training_threads(cores) for cores in (1, 2, 3, 8)] == [1, 2, 2, 7]


def test_each_gpu_is_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "may_have_gpu", lambda: False)
    assert devices() == ["cpu"]
    monkeypatch.setattr(device_module, "may_have_gpu", lambda: True)
    monkeypatch.setattr(device_module, "best_device", lambda: "cpu")
    assert devices() == ["cpu"]
    monkeypatch.setattr(device_module, "best_device", lambda: "cuda")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert devices() == ["cuda:0", "cuda:1"]
