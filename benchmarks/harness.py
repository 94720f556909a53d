"""What every benchmark shares: alternating repeats, their medians, one table, one JSON file."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("torch", "transformers", "sentencepiece", "streamlit", "numpy")
RESULTS = Path(__file__).with_name("results.json")


@dataclass(frozen=True)
class Result:
    """One measure: ours against a reference, or against nothing but its target.

    Attributes:
        ours, reference: every repeat, in `unit`.
        target: the least ratio (the most, where `at_most`); without a reference, of our own median.
        ratio: how many times better we are: more sentences, or fewer seconds and bytes.
    """

    measure: str
    unit: str
    ours: tuple[float, ...]
    reference: tuple[float, ...]
    target: float
    at_most: bool = False

    @property
    def ratio(self) -> float | None:
        if not self.reference:
            return None
        ours, other = statistics.median(self.ours), statistics.median(self.reference)
        return other / ours if self.unit in ("s", "ms", "KB") else ours / other

    @property
    def passed(self) -> bool:
        figure = statistics.median(self.ours) if self.ratio is None else self.ratio
        return figure <= self.target if self.at_most else figure >= self.target


# Rows of the table, or figures with names of their own.
Findings = list[Result] | dict[str, Any]


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternate(repeats: int, *works: Callable[[], Any], warm_up: int = 1) -> list[tuple[Any, ...]]:
    """Return the figures of each work, taken in turns, after `warm_up` rounds that do not count."""
    rounds = [[work() for work in works] for _ in range(warm_up + repeats)]
    return list(zip(*rounds[warm_up:], strict=True))


def table(results: list[Result]) -> str:
    rows = ["| measure | ours | reference | ratio | target | |", "|---|---:|---:|---:|---:|---|"]
    for result in results:
        ours = f"{statistics.median(result.ours):,.3g} {result.unit}"
        reference = (
            f"{statistics.median(result.reference):,.3g} {result.unit}" if result.reference else "–"
        )
        ratio = "–" if result.ratio is None else f"{result.ratio:.2f}x"
        bound = "at most" if result.at_most else "at least"
        target = f"{bound} {result.target:g}" + (" " + result.unit if result.ratio is None else "x")
        said = "pass" if result.passed else "**FAIL**"
        rows.append(f"| {result.measure} | {ours} | {reference} | {ratio} | {target} | {said} |")
    return "\n".join(rows)


def machine() -> dict[str, object]:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "date": date.today().isoformat(),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "amx": torch.cpu._is_amx_tile_supported(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "versions": {package: version(package) for package in PACKAGES},
    }


def save(findings: dict[str, Findings]) -> None:
    """Write what the measures found and where, beside what others found before."""
    before = json.loads(RESULTS.read_text(encoding="utf-8"))
    here = machine()
    now = {
        name: {
            "machine": here,
            "found": [{**asdict(r), "ratio": r.ratio, "passed": r.passed} for r in results]
            if isinstance(results, list)
            else results,
        }
        for name, results in findings.items()
    }
    content = json.dumps({**before, **now}, ensure_ascii=False, indent=1)
    RESULTS.write_text(content + "\n", encoding="utf-8")
