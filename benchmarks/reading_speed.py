"""A million real rows: read, checked, encoded and kept; against a Python loop over rows; and once more."""

import csv
import json
import lzma
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import Result, seconds
from benchmarks.models import DATA, EMOTIONS, vocabulary
from kobert_demo.encoding import encode
from kobert_demo.processes import PROJECT

# In a process of its own, so that its peak memory is its own.
OURS = """
import json, sys, threading, time
from pathlib import Path

import psutil
from benchmarks.models import vocabulary
from kobert_demo.dataset import detect_columns, load_dataset, parse, save_dataset
from kobert_demo.encoded_store import encode_dataset
from kobert_demo.preflight import inspect
from kobert_demo.reading import detect_format

class Memory(threading.Thread):
    # The most that this process and those that it started hold at once.

    def __init__(self):
        super().__init__(daemon=True)
        self.me, self.peak = psutil.Process(), 0

    def run(self):
        while True:
            held = 0
            for process in [self.me, *self.me.children(recursive=True)]:
                try:
                    held += process.memory_info().rss
                except psutil.NoSuchProcess:
                    pass
            self.peak = max(self.peak, held)
            time.sleep(0.05)

memory = Memory()
memory.start()
path, workspace, again = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
began = time.perf_counter()
if again:
    data = load_dataset(workspace, again)
    encode_dataset(data, vocabulary(), workspace)
    name = again
else:
    how = detect_format(path)
    data = parse(path, how, detect_columns(path, how), name=path.name)
    inspect(data, encode_dataset(data, vocabulary(), workspace), vocabulary(), 64)
    name = save_dataset(data, workspace)
peak = memory.peak / 1e9
print(json.dumps({"seconds": time.perf_counter() - began, "gigabytes": peak, "name": name}))
"""


def write(path: Path, rows: int) -> None:
    """Write reviews with labels; where they run out, they come again with a number."""
    with lzma.open(DATA / "nsmc-reviews.tsv.xz", "rt", encoding="utf-8") as file:
        reviews = [line.rstrip("\n").split("\t", 1)[1] for line in file]
    with path.open("w", encoding="utf-8") as out:
        out.write("sentence\tlabel\n")
        for row in range(rows):
            again = f" {row // len(reviews)}" if row >= len(reviews) else ""
            text = reviews[row % len(reviews)].replace('"', "")
            out.write(f"{text}{again}\t{EMOTIONS[row % 7]}\n")


def naive(path: Path) -> None:
    """Read, check and encode a row at a time, remembering nothing, as a notebook's cell would."""
    seen: dict[str, str] = {}
    encoded, problems = [], []
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t")):
            if number == 0:
                continue
            text, label = row[0].strip(), row[1].strip()
            if not text or label not in EMOTIONS or seen.get(text, label) != label:
                problems.append(number)
                continue
            seen[text] = label
            vocabulary()._known.clear()
            encoded.append((encode(text, vocabulary(), 64).padded(), EMOTIONS.index(label)))


def ours(path: Path, workspace: Path, again: str = "") -> dict[str, float | str]:
    finished = subprocess.run(
        [sys.executable, "-c", OURS, str(path), str(workspace), again],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(finished.stdout)


def run(quick: bool) -> list[Result]:
    rows = 200_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path, part = Path(folder) / "rows.tsv", Path(folder) / "part.tsv"
        write(path, rows)
        share = 20  # the loop's time grows with its rows, so a twentieth of them tells
        write(part, rows // share)
        first = [
            ours(path, Path(folder) / f"workspace-{turn}") for turn in range(2 if quick else 3)
        ]
        loop = tuple(share * seconds(lambda: naive(part)) for _ in range(len(first)))
        workspace = Path(folder) / "workspace-0"
        second = [ours(path, workspace, str(first[0]["name"])) for _ in range(3)]
    times = tuple(float(one["seconds"]) for one in first)
    peak = tuple(float(one["gigabytes"]) for one in first)
    again = tuple(float(one["seconds"]) for one in second)
    what = f"{rows:,} rows: read, checked, encoded, kept"
    return [
        Result(f"{what}, against a loop over rows", "s", times, loop, 5.0),
        Result(f"{what}: peak memory", "GB", peak, (), 1.5, at_most=True),
        Result(f"{rows:,} rows: the second time", "s", again, (), 2.0, at_most=True),
    ]
