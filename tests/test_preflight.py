"""The report before training: what it counts is what is there."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kobert_demo
from kobert_demo.dataset import Dataset
from kobert_demo.encoded import encode_whole
from kobert_demo.encoding import encode
from kobert_demo.preflight import inspect
from kobert_demo.processes import PROJECT
from kobert_demo.sentence_pieces import SentencePieces

VOCABULARY = Path(kobert_demo.__file__).parent / "models" / "mini" / "mini.spiece"


@pytest.fixture(scope="module")
def vocabulary():
    return SentencePieces(VOCABULARY)


def dataset(rows):
    labels = tuple(sorted({label for _, label in rows}))
    return Dataset(
        name="",
        texts=[text for text, _ in rows],
        label_ids=np.array([labels.index(label) for _, label in rows], dtype=np.int32),
        lines=np.arange(1, len(rows) + 1, dtype=np.int32),
        labels=labels,
        rows=len(rows),
    )


def looked_at(data, vocabulary, max_length, test=None):
    encoded = encode_whole(data.texts, data.label_ids, vocabulary)
    return inspect(data, encoded, vocabulary, max_length, test)


def test_duplicates_conflicts_and_leakage(vocabulary):
    rows = [
        ("좋다", "행복"),
        ("좋다", "행복"),
        ("좋다", "중립"),
        ("싫다", "분노"),
        ("좋다", "행복"),
    ]
    report = looked_at(
        dataset(rows),
        vocabulary,
        64,
        dataset([("싫다", "분노"), ("싫다", "행복"), ("글쎄", "행복")]),
    )
    assert report.label_counts == {"분노": 1, "중립": 1, "행복": 3}
    assert (report.duplicates, report.conflicts, report.leaked) == (2, 1, 1)


def test_lengths_are_those_of_the_encoding(vocabulary):
    texts = ["짧다", "조금 더 긴 문장입니다.", "아주 " * 40 + "길다!"]
    report = looked_at(dataset([(text, "라벨") for text in texts]), vocabulary, 20)
    expected = [encode(text, vocabulary, 1000).valid_length for text in texts]
    assert np.flatnonzero(report.lengths).tolist() == sorted(set(expected))
    assert report.lengths.sum() == 3
    assert report.truncated == pytest.approx(1 / 3)


def test_a_sentence_that_just_fits_is_not_cut(vocabulary):
    length = encode("조금 더 긴 문장입니다.", vocabulary, 1000).valid_length
    data = dataset([("조금 더 긴 문장입니다.", "라벨")])
    assert looked_at(data, vocabulary, length).truncated == 0
    assert looked_at(data, vocabulary, length - 1).truncated == 1


def test_unknown_pieces_are_counted_without_the_special_ones(vocabulary):
    unknown = "\U00013000"  # a hieroglyph: one word, and no piece of it is known
    ids = vocabulary.ids(unknown)
    assert vocabulary.unk_id in ids
    assert looked_at(dataset([(unknown, "라벨")]), vocabulary, 64).unk_rate == ids.count(
        vocabulary.unk_id
    ) / len(ids)
    assert looked_at(dataset([("좋은 영화", "라벨")]), vocabulary, 64).unk_rate == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_grows_by_less_than_a_kilobyte_a_row(tmp_path: Path) -> None:
    """So a million rows take less than a gigabyte."""
    code = (
        "import sys; from pathlib import Path; from kobert_demo.cli import main; main(sys.argv[1:]); "
        # (getrusage tells the peak of the process that started this one, where that was larger)
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0], file=sys.stderr)"
    )

    def peak(rows: int) -> int:
        """Return the most memory in kilobytes that checking so many rows took."""
        path = tmp_path / f"{rows}.tsv"
        with path.open("w", encoding="utf-8") as file:
            for row in range(rows):
                file.write(f"{row}번째 문장은 그냥 이렇게 조금 길게 적혀 있습니다\t{row % 7}\n")
        checked = subprocess.run(
            [sys.executable, "-c", code, "check", path, "--json"],
            cwd=PROJECT,
            capture_output=True,
            check=True,
        )
        assert json.loads(checked.stdout)["usable"] == rows
        return int(checked.stderr)

    few, many = 1_000, 150_000
    assert peak(many) - peak(few) < many - few
