"""Scored files: the original untouched, an answer for every sentence, and cuts that leave no trace."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobert_demo import file_scoring
from kobert_demo.errors import DataError
from kobert_demo.file_scoring import choose_layout, score_file
from kobert_demo.processes import PROJECT
from kobert_demo.reading import detect_format
from kobert_demo.scored_rows import Summary
from tests.models import save_tiny_model, tiny_model, write_tsv

LABELS = ("분노", "행복")


class Oracle:
    """A predictor whose answers depend on the sentence alone; it can be cut off."""

    labels, precision, sha256 = LABELS, "float32", "oracle"

    def __init__(self, blocks: int = 10**9) -> None:
        self.blocks = blocks

    def probabilities(self, texts: list[str]) -> np.ndarray:
        self.blocks -= 1
        if self.blocks < 0:
            raise KeyboardInterrupt
        happy = [hashlib.sha256(text.encode()).digest()[0] / 255 for text in texts]
        return np.array([[1 - share, share] for share in happy], np.float32).reshape(-1, 2)


def score(
    path: Path, out: Path, oracle: Oracle | None = None, resume: bool = False, **options: Any
) -> Summary:
    layout = choose_layout(path, detect_format(path), LABELS, out, **options)
    return score_file(path, layout, oracle or Oracle(), out, resume)  # type: ignore[arg-type]


def written(tmp_path: Path, text: str, name: str = "in.tsv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def cells(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_original_columns_stay_and_every_sentence_has_an_answer(tmp_path: Path) -> None:
    path = write_tsv(tmp_path / "in.tsv", copies=3)
    summary = score(path, tmp_path / "out.tsv")
    before, after = cells(path), cells(tmp_path / "out.tsv")
    assert [row[:2] for row in after] == before
    assert after[0] == ["sentence", "label", "predicted_label", "confidence", *LABELS]
    for row in after[1:]:
        share = {label: float(value) for label, value in zip(LABELS, row[4:], strict=True)}
        assert row[2] == max(share, key=lambda label: share[label])
        assert float(row[3]) == max(share.values())
        assert sum(share.values()) == pytest.approx(1, abs=2e-6)
    assert (summary.rows, summary.scored, summary.labelled) == (24, 24, 24)
    assert summary.agreed == sum(row[1] == row[2] for row in after[1:])
    assert sum(summary.counts.values()) == 24
    assert [name.name for name in tmp_path.iterdir() if name.name != "in.tsv"] == ["out.tsv"]


def test_rows_without_a_sentence_are_kept_with_empty_answers(tmp_path: Path) -> None:
    path = written(tmp_path, "id\tsentence\n1\t좋아요\n2\t \n\n3\n4\t싫어요\t너무\n5\t그래요\n")
    summary = score(path, tmp_path / "out.tsv")
    rows = cells(tmp_path / "out.tsv")
    assert [row[0] for row in rows] == ["id", "1", "2", "", "3", "4", "5"]
    assert [bool(row[2]) for row in rows[1:]] == [True, False, False, False, True, True]
    assert rows[5][:3] == ["4", "싫어요", "너무"]  # a cell too many: kept, and not classified
    assert set(rows[5][3:]) == {""}
    assert (summary.rows, summary.scored) == (6, 2)


def test_a_column_of_sentences_alone_without_a_header(tmp_path: Path) -> None:
    path = written(tmp_path, "좋아요\n싫어요\n")
    summary = score(path, tmp_path / "out.tsv")
    assert [row[0] for row in cells(tmp_path / "out.tsv")] == ["좋아요", "싫어요"]
    assert (summary.labelled, summary.as_json()["agreement"]) == (0, None)


def test_quotes_stay_as_they_were(tmp_path: Path) -> None:
    raw = written(tmp_path, 'sentence\tmark\n그는 "안녕" 했다\t"\n"좋다\tx\n')
    score(raw, tmp_path / "raw.tsv")
    assert [row[:2] for row in cells(tmp_path / "raw.tsv")] == cells(raw)
    rows = [["sentence", "label"], ["쉼표, 그리고\n줄", "행복"], ['"따옴표"', "분노"]] * 1
    path = tmp_path / "in.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    for out in ("out.csv", "out.tsv"):
        score(path, tmp_path / out)
        with (tmp_path / out).open(encoding="utf-8", newline="") as file:
            found = list(csv.reader(file, delimiter="," if out == "out.csv" else "\t"))
        assert [row[:2] for row in found] == rows


def test_formulas_are_guarded_where_that_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "sentence\tnote\n=1+1 좋아\t@SUM(A1)\n-싫어\t+1\n평범\t=\n")
    score(path, tmp_path / "plain.tsv")
    assert [row[:2] for row in cells(tmp_path / "plain.tsv")] == cells(path)
    score(path, tmp_path / "guarded.tsv", guard=True)
    first = [cell for row in cells(tmp_path / "guarded.tsv")[1:] for cell in row[:2]]
    assert first == ["'=1+1 좋아", "'@SUM(A1)", "'-싫어", "'+1", "평범", "'="]


def test_after_any_cut_the_bytes_are_those_of_uncut_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_scoring, "ROWS", 7)
    path = write_tsv(tmp_path / "in.tsv", copies=10)
    whole = score(path, tmp_path / "whole.tsv")
    for cut in range(12):
        out = tmp_path / f"cut-{cut}.tsv"
        with pytest.raises(KeyboardInterrupt):
            score(path, out, Oracle(cut))
        assert not out.exists()
        partial = out.with_name(f"{out.name}.partial")
        with partial.open("ab") as file:
            file.write("반쯤 쓴 줄".encode())  # power went while a block was written
        with pytest.raises(DataError, match="--resume"):
            score(path, out)
        assert score(path, out, resume=True) == whole
        assert out.read_bytes() == (tmp_path / "whole.tsv").read_bytes()
    assert not list(tmp_path.glob("*.partial")) + list(tmp_path.glob("*.state*"))


def test_progress_is_told_from_where_the_work_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_scoring, "ROWS", 7)
    path, out = write_tsv(tmp_path / "in.tsv"), tmp_path / "out.tsv"  # 41 lines
    layout = choose_layout(path, detect_format(path), LABELS, out)
    told: list[float] = []
    with pytest.raises(KeyboardInterrupt):
        score_file(path, layout, Oracle(3), out, progress=told.append)  # type: ignore[arg-type]
    assert told == pytest.approx([0, 8 / 41, 15 / 41, 22 / 41])
    told.clear()
    score_file(path, layout, Oracle(), out, True, told.append)  # type: ignore[arg-type]
    assert told == pytest.approx([22 / 41, 29 / 41, 36 / 41, 1])


def test_a_sentence_that_comes_back_is_told_once(tmp_path: Path) -> None:
    path = written(tmp_path, "sentence\n" + "같은 말\n" * 30 + "다른 말\n")
    found = score(path, tmp_path / "out.tsv").least_certain
    assert {row["text"]: row["line"] for row in found} == {"같은 말": 2, "다른 말": 32}
    assert len(found) == 2


def test_what_is_done_is_not_mixed_with_other_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_scoring, "ROWS", 7)
    path, out = write_tsv(tmp_path / "in.tsv"), tmp_path / "out.tsv"
    with pytest.raises(KeyboardInterrupt):
        score(path, out, Oracle(2))
    with pytest.raises(DataError, match="another file, model or setting"):
        score(path, out, resume=True, guard=True)
    other = Oracle()
    other.sha256 = "another"
    with pytest.raises(DataError, match="another file, model or setting"):
        score(path, out, other, resume=True)
    (tmp_path / "out.tsv.state").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="is damaged"):
        score(path, out, resume=True)
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match="is there already"):
        score(path, out, resume=True)
    assert out.read_text(encoding="utf-8") == "mine"


def test_the_least_certain_come_first_and_are_few(tmp_path: Path) -> None:
    path = write_tsv(tmp_path / "in.tsv", copies=10)
    summary = score(path, tmp_path / "out.tsv")
    found = [row["confidence"] for row in summary.least_certain]
    every = sorted(float(row[3]) for row in cells(tmp_path / "out.tsv")[1:])
    assert found == pytest.approx(every[:20], abs=1e-6)
    line = summary.least_certain[0]["line"]
    assert summary.least_certain[0]["text"] == cells(path)[line - 1][0]


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.test_file_scoring import score; "
        "score(Path(sys.argv[1]), Path(sys.argv[2])); "
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )

    def peak(copies: int) -> int:
        path = write_tsv(tmp_path / f"{copies}.tsv", copies)
        command = [sys.executable, "-c", code, str(path), str(tmp_path / f"{copies}.out")]
        return int(
            subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
        )

    few, many = 2_000, 20_000  # 16,000 and 160,000 rows
    assert peak(many) - peak(few) < 10_000  # kilobytes


def test_the_shell_is_killed_and_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    path = write_tsv(tmp_path / "in.tsv", copies=4_000)
    model = tiny(tmp_path)

    def command(out: str, *more: str) -> list[str]:
        words = ("score", str(path), "--model", model, "--out", str(tmp_path / out), "--json")
        return [sys.executable, "-m", "kobert_demo", *words, *more]

    whole = subprocess.run(command("whole.tsv"), cwd=PROJECT, check=True, capture_output=True)
    with subprocess.Popen(command("cut.tsv"), cwd=PROJECT, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 90
        while not (tmp_path / "cut.tsv.state").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert not (tmp_path / "cut.tsv").exists()
    again = subprocess.run(
        command("cut.tsv", "--resume"), cwd=PROJECT, check=True, capture_output=True
    )
    assert (tmp_path / "cut.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()
    told = [json.loads(each.stdout) for each in (whole, again)]
    assert told[0].pop("out") != told[1].pop("out")
    assert told[0] == told[1]
    assert (told[0]["rows"], told[0]["scored"], told[0]["labelled"]) == (32_000, 32_000, 32_000)


def tiny(directory: Path) -> str:
    model = tiny_model()
    model.config.id2label = dict(enumerate(LABELS))
    return str(save_tiny_model(directory / "tiny", model))
