"""Scoring on a real cluster: every row once, whoever is killed in the middle; the same bytes afterwards."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kobert_demo.processes import PROJECT
from tests.models import EIGHT, save_tiny_model, write_tsv

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

ROWS = 100_000
SECONDS = 300
pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100,000 rows in two TSVs and a Parquet file, each row with a number of its own."""
    folder = tmp_path_factory.mktemp("rows")
    rows = [(number, EIGHT[number % 8][0] + f" {number % 97}") for number in range(ROWS)]
    for name, some in (("a.tsv", rows[:45_000]), ("b.tsv", rows[45_000:60_001])):
        lines = [f"{number}\t{text}" for number, text in some]
        (folder / name).write_text("\n".join(["id\tsentence", *lines, ""]), encoding="utf-8")
    numbers, texts = zip(*rows[60_001:], strict=True)
    table = pa.table({"id": numbers, "sentence": texts})
    pq.write_table(table, folder / "c.parquet", row_group_size=7_000)
    return folder


def start(where: Path, out: Path, model: Path, address: str, *more: str) -> subprocess.Popen[str]:
    """Start the verb; its output tells the manifest's figures."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "kobert_demo", "score", str(where), "--out", str(out)),
            *("--model", str(model), "--on", "ray", "--ray-address", address, "--workers", "2"),
            *("--exact", "--json", "--workspace", str(out.parent / "workspace"), *more),
        ],
        cwd=PROJECT,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(verb: subprocess.Popen[str]) -> dict:
    told, said = verb.communicate(timeout=SECONDS)
    assert verb.returncode == 0, said
    return json.loads(told)


def await_parts(verb: subprocess.Popen[str], out: Path, count: int) -> None:
    deadline = time.monotonic() + SECONDS
    while len(list(out.glob("part-*[tv]"))) + len(list(out.glob("part-*.parquet"))) < count:
        assert verb.poll() is None and time.monotonic() < deadline, verb.communicate()
        time.sleep(0.05)


def content(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def counted(out: Path) -> Counter[int]:
    """Count the numbers of all rows that have an answer."""
    found: Counter[int] = Counter()
    for path in out.glob("part-*.tsv"):
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        assert head.split("\t")[:4] == ["id", "sentence", "label", "confidence"]
        found.update(int(line.split("\t")[0]) for line in lines if line.split("\t")[2])
    for path in out.glob("part-*.parquet"):
        table = pq.read_table(path)
        assert table.column_names[:4] == ["id", "sentence", "label", "confidence"]
        assert table["label"].null_count == 0
        found.update(table["id"].to_pylist())
    return found


def scorers() -> list[psutil.Process]:
    """Return the processes of this test's own cluster that hold a copy of the model."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "Scorer" in " ".join(process.cmdline()):
                found.append(process)
    return found


def test_more_gpus_than_the_cluster_has_are_refused_in_words(
    cluster: "Cluster", folder: Path, model: Path, tmp_path: Path
) -> None:
    verb = start(folder, tmp_path / "out", model, cluster.address, "--gpus", "1")
    _, said = verb.communicate(timeout=SECONDS)
    assert verb.returncode == 2
    assert "2 workers with 1 GPUs each were asked for, and the Ray cluster has" in said
    assert not (tmp_path / "out").exists()


def test_every_row_is_there_once_though_a_worker_and_then_the_driver_are_killed(
    cluster: "Cluster", folder: Path, model: Path, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    verb = start(folder, whole, model, cluster.address)
    await_parts(verb, whole, 2)
    (killed, *_) = scorers()
    killed.kill()
    told = finish(verb)
    assert not killed.is_running()
    assert counted(whole) == Counter(range(ROWS))
    assert (told["rows_in"], told["rows_out"], told["scored"]) == (ROWS, ROWS, ROWS)
    manifest = json.loads((whole / "manifest.json").read_text(encoding="utf-8"))
    assert sum(part["rows"] for part in manifest["parts"]) == ROWS
    assert sum(manifest["labels"].values()) == ROWS
    assert {part["file"] for part in manifest["parts"]} == content(whole).keys() - {"manifest.json"}

    verb = start(folder, cut, model, cluster.address)
    await_parts(verb, cut, 2)
    verb.kill()
    verb.communicate()
    before = {path: path.stat().st_mtime_ns for path in cut.glob("part-*")}
    assert not (cut / "manifest.json").exists()
    refused = start(folder, cut, model, cluster.address)
    assert "--resume" in refused.communicate(timeout=SECONDS)[1]
    finish(start(folder, cut, model, cluster.address, "--resume"))
    assert content(cut) == content(whole)
    kept = [path for path, when in before.items() if path.stat().st_mtime_ns == when]
    assert len(kept) >= 2  # what was done was not done again


def test_a_pattern_names_the_files_and_the_answers_are_those_of_one_machine(
    cluster: "Cluster", model: Path, tmp_path: Path
) -> None:
    write_tsv(tmp_path / "in-1.tsv", copies=3)
    (tmp_path / "other.tsv").write_text("sentence\tlabel\n아니\t분노\n", encoding="utf-8")
    out, local = tmp_path / "out", tmp_path / "local.tsv"
    told = finish(start(tmp_path / "in-*.tsv", out, model, cluster.address))
    assert (told["rows_out"], told["parts"]) == (24, 1)
    arguments = [str(tmp_path / "in-1.tsv"), "--model", str(model), "--out", str(local), "--exact"]
    subprocess.run(
        [sys.executable, "-m", "kobert_demo", "score", *arguments, "--workspace", str(tmp_path)],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    assert (out / "part-000000.tsv").read_bytes() == local.read_bytes()
