"""Which processor will train, and how fast it is: `python -m kobert_demo.device` prints both.

The app asks in a process of its own, so that its server never imports torch.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from kobert_demo.errors import ConfigError
from kobert_demo.language import Message

GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
MATRIX = 1024
REPEATS = 8
START_SECONDS = 5.0  # until a worker has imported torch and read model and data


@dataclass(frozen=True)
class Device:
    """A processor that torch can compute on.

    Attributes:
        kind: `cuda`, `mps` or `cpu`, in this order of preference.
        name: as its maker calls it; empty where torch does not know.
        threads: of the CPU.
        flops: floating-point operations a second in a 1,024 x 1,024 matrix product.
        count: how many processes may share a run on them: the GPUs there are, or the cores.
    """

    kind: str
    name: str
    threads: int
    flops: float
    count: int = 1


def may_have_gpu() -> bool:
    """Say, at once and without torch, whether to look for a GPU: NVIDIA's, AMD's, WSL's or Apple's."""
    return sys.platform == "darwin" or any(map(os.path.exists, GPU_DEVICES))


def best_device() -> str:
    """Return `cuda`, else `mps`, else `cpu`."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def devices() -> list[str]:
    """Return what runs can train on, one run on each at a time: every CUDA GPU, else `mps`, else `cpu`."""
    if not may_have_gpu() or (kind := best_device()) == "cpu":
        return ["cpu"]
    import torch

    return [f"{kind}:{number}" for number in range(torch.get_device_module(kind).device_count())]


def most_processes(devices: Sequence[str]) -> int:
    """Return how many processes may share a run: one for each GPU, or for each core of a CPU."""
    return (os.cpu_count() or 1) if devices[0] == "cpu" else len(devices)


def processes_on(devices: Sequence[str], asked: int) -> int:
    """Return how many processes train a run: what was asked for, where 0 is one for each GPU.

    Raises:
        ConfigError: there are fewer GPUs, or, where there is none, fewer cores.
    """
    if asked > (most := most_processes(devices)):
        what = Message("processor cores") if devices[0] == "cpu" else Message("GPUs")
        raise ConfigError(
            "{asked} processes were asked for, and this machine has {most} {what}: choose {most} or fewer.",
            asked=asked,
            most=most,
            what=what,
        )
    return asked or len(devices)


def training_threads(available: int) -> int:
    """Return how many threads a run takes of those that torch would: one is the app's, where there are more
    than two. (On two cores its low priority alone keeps the app quick: a half would cost a run much more.)
    """
    return available - 1 if available > 2 else available


def multiplies_bfloat16(kind: str) -> bool:
    """Say whether this is a CPU that multiplies bfloat16 faster than float32 (AVX-512 BF16, or AMX)."""
    import torch

    return kind == "cpu" and (has_matrix_units() or torch.cpu._is_avx512_bf16_supported())


def has_matrix_units() -> bool:
    """Say whether the CPU has units for whole matrices of bfloat16 (Intel's AMX)."""
    import torch

    return torch.cpu._is_amx_tile_supported()


def probe() -> Device:
    """Return the best device with its measured speed (one matrix product, the best of a few)."""
    import torch

    kind = best_device()
    name = torch.cuda.get_device_name() if kind == "cuda" else ""
    dtype = torch.bfloat16 if kind == "cuda" else torch.float32
    matrix = torch.ones(MATRIX, MATRIX, device=kind, dtype=dtype)
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        (matrix @ matrix)[0, 0].item()
        seconds.append(time.perf_counter() - began)
    threads, flops = torch.get_num_threads(), 2 * MATRIX**3 / min(seconds)
    return Device(kind, name, threads, flops, most_processes(devices()))


def probe_elsewhere() -> Device:
    """Return `probe()` as a fresh Python process sees it."""
    finished = subprocess.run(
        [sys.executable, "-m", "kobert_demo.device"],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return Device(**json.loads(finished.stdout))


def training_seconds(device: Device, parameters: int, tokens: int) -> float:
    """Estimate the seconds from Start to the end for `tokens` (all epochs) and `parameters`.

    Six operations for each parameter and token (Kaplan et al. 2020, arXiv:2001.08361, section 2.1), at
    half of the speed of a bare matrix product.
    """
    return START_SECONDS + 6 * parameters * tokens / (0.5 * device.flops)


if __name__ == "__main__":
    print(json.dumps(asdict(probe())))
