"""What more work costs: rows, length of sentences, processes, and visitors. `docs/scaling.md` reads it.

*Training*: seconds of a step of 64 sentences of exactly so many pieces, in one process and in two that
share its threads (benchmarks/group_steps.py), with the seconds in which two exchange all gradients; and, as
the rows become more, the seconds of their encoding, of the first step, and of a sentence after it.

*Scoring*: seconds of a file by `mini-emotions`, by the rows of the file, and of the same where the model
answers at once; it is loaded already.

*Visitors*: CPU seconds of the server for each visitor and second, and its memory for each, while a run gets
two steps a second; and how long they wait for an answer. They ask from another process of this machine what
a browser asks, and draw nothing (benchmarks/watchers.py).
"""

import csv
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from benchmarks.group_steps import BATCH
from benchmarks.harness import seconds
from benchmarks.models import EMOTIONS, reddit, vocabulary
from benchmarks.watching import RUN, SHORT, LongRun, started
from kobert_demo.config import TrainingConfig
from kobert_demo.encoded import encode_texts
from kobert_demo.events import TrainStep
from kobert_demo.file_scoring import choose_layout, score_file
from kobert_demo.model import new_classifier
from kobert_demo.model_files import find_model
from kobert_demo.predictor import Predictor
from kobert_demo.reading import detect_format
from kobert_demo.training import train

Row = dict[str, Any]
PROCESSES = (1, 2)


def run(quick: bool) -> Row:
    lengths = (10, 64) if quick else (10, 32, 64, 96, 128)
    sizes = {"mini": (2 if quick else 3, lengths), "KoBERT size": (1, lengths[:3])}
    rows = (1_000, 3_000) if quick else (1_000, 3_000, 10_000, 30_000)
    visitors = (1, 10) if quick else (1, 10, 50, 100, 200)
    stepped = {size: by_length(size, *what) for size, what in sizes.items()}
    return {
        "steps": [row for found, _ in stepped.values() for row in found],
        "laws": {size: law(found) for size, (found, _) in stepped.items()},
        "exchanges": [row for _, found in stepped.values() for row in found],
        "training rows": [by_rows(count, 3 if quick else 10) for count in rows],
        "scoring rows": list(scored(rows)),
        "visitors": [visited(count, 5 if quick else 15) for count in visitors],
    }


def by_length(size: str, steps: int, lengths: tuple[int, ...]) -> tuple[list[Row], list[Row]]:
    """Return the seconds of a step by processes and length, and those of an exchange by its bytes."""
    rows, exchanges = [], []
    for processes in PROCESSES:
        found = in_group(size, steps, processes, lengths)
        for length, taken in found["steps"].items():
            what = {"model": size, "processes": processes, "length": int(length)}
            rows.append({**what, "seconds": statistics.median(taken)})
        for count, taken in found["exchanges"].items():
            exchanges.append({"bytes": int(count), "seconds": statistics.median(taken)})
    return rows, exchanges


def in_group(size: str, steps: int, processes: int, lengths: tuple[int, ...]) -> Row:
    """Return what rank 0 of a group of processes says (benchmarks/group_steps.py)."""
    with ExitStack() as closing:
        meeting = str(Path(closing.enter_context(tempfile.TemporaryDirectory())) / "meeting")
        group = [
            closing.enter_context(
                started(
                    "benchmarks.group_steps",
                    *(size, str(steps), str(rank), str(processes), meeting, *map(str, lengths)),
                )
            )
            for rank in range(processes)
        ]
        said, _ = group[0].communicate()
        assert group[0].returncode == 0, "a process of the group has died"
        return json.loads(said)


def law(rows: list[Row]) -> dict[str, float]:
    """Return a, b, c of `seconds = a + b * pieces + c * pieces * length`: least squares, one process."""
    alone = [row for row in rows if row["processes"] == 1]
    lengths = np.array([row["length"] for row in alone], dtype=float)
    pieces = BATCH * lengths
    terms = np.stack([np.ones_like(pieces), pieces, pieces * lengths], axis=1)[:, : len(alone)]
    found, *_ = np.linalg.lstsq(terms, np.array([row["seconds"] for row in alone]))
    return dict(zip("abc", found.tolist(), strict=False))


def by_rows(count: int, steps: int) -> Row:
    """Return seconds to encode so many sentences, to the first step on them, and a sentence after it."""
    texts, labels = reddit(count)
    began = time.perf_counter()
    data = encode_texts(texts, np.array(labels), vocabulary(), 64)
    encoded = time.perf_counter() - began
    none = encode_texts([], np.zeros(0), vocabulary(), 64)
    model = new_classifier(find_model("mini"), EMOTIONS, 0.1, vocabulary())
    events = train(model, data, none, TrainingConfig(batch_size=BATCH))
    began = time.perf_counter()
    steps_taken = (event for event in events if isinstance(event, TrainStep))
    first = next(steps_taken)
    waited = time.perf_counter() - began
    taken = [first, *islice(steps_taken, min(steps, count // BATCH - 1))]
    each = [(after.seconds - before.seconds) / BATCH for before, after in pairwise(taken)]
    return {
        "rows": count,
        "mean length": float(data.lengths.mean()),
        "encoding": encoded,
        "first step": waited,
        "a sentence": statistics.mean(each),
    }


def scored(counts: tuple[int, ...]) -> Iterator[Row]:
    """Yield the seconds to score files of so many rows, and how many of them are not the model's."""
    predictor, silent = Predictor("mini-emotions"), Predictor("mini-emotions")
    labels = len(silent.labels)
    silent._model = lambda input_ids, **_: SimpleNamespace(
        logits=torch.zeros(len(input_ids), labels)
    )
    predictor.predict(["먼저 한 번"])
    with tempfile.TemporaryDirectory() as folder:
        for count in counts:
            path, out = Path(folder) / f"{count}.tsv", Path(folder) / "out.tsv"
            with path.open("w", encoding="utf-8", newline="") as file:
                lines = csv.writer(file, delimiter="\t", lineterminator="\n")
                lines.writerows([["sentence"], *([text] for text in reddit(count)[0])])
            layout = choose_layout(path, detect_format(path), predictor.labels, out)
            row: Row = {"rows": count}
            for name, who in (("seconds", predictor), ("without the model", silent)):
                row[name] = seconds(partial(score_file, path, layout, who, out))
                out.unlink()
            yield row


def visited(count: int, window: int) -> Row:
    """Return what so many visitors of the live page cost in so many seconds."""
    with ExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory())
        long = LongRun(Path(folder) / "workspace", SHORT, closing)
        before = long.process.memory_info().rss
        visitors = closing.enter_context(started("benchmarks.watchers", long.url, RUN, str(count)))
        said(visitors)
        live(long, 5)
        said(visitors, "what was before does not count")
        spent, began = long.spent(), time.perf_counter()
        live(long, window)
        waits = sorted(json.loads(said(visitors, "how long were they?")))
        passed = time.perf_counter() - began
        spent = long.spent() - spent
        return {
            "visitors": count,
            "CPU of the server": spent / passed,
            "CPU seconds a visitor and second": spent / passed / count,
            "CPU seconds a look": spent / len(waits),
            "looks a visitor and second": len(waits) / passed / count,
            "seconds to an answer, median": statistics.median(waits),
            "seconds to an answer, 95 %": waits[int(0.95 * len(waits))],
            "MB a visitor": (long.process.memory_info().rss - before) / count / 1e6,
        }


def live(long: LongRun, window: int) -> None:
    for _ in range(window):
        time.sleep(1)
        long.append(2)


def said(process: subprocess.Popen[str], asked: str = "") -> str:
    """Ask a process, and return its next line."""
    assert process.stdin and process.stdout
    if asked:
        print(asked, file=process.stdin, flush=True)
    return process.stdout.readline()
