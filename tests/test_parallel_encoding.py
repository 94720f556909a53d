"""Encoding in several processes: the same ids, whatever happens to the others."""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobert_demo import parallel_encoding
from kobert_demo.encoded import Encoded, encode_whole
from kobert_demo.encoding import Vocabulary
from kobert_demo.parallel_encoding import encode_in_parallel
from kobert_demo.vocabularies import read_vocabulary
from tests.families import koelectra
from tests.models import vocabulary

TEXTS = [f"{row}번째 문장은 ㅋㅋ\t이렇게\n끝나요! 👍 漢字" for row in range(11)]


@pytest.fixture(autouse=True)
def three_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel_encoding, "LEAST", 3)
    monkeypatch.setattr(parallel_encoding.os, "cpu_count", lambda: 3)


def same(pieces: Vocabulary, texts: list[str]) -> bool:
    labels = np.arange(len(texts))
    expected, found = encode_whole(texts, labels, pieces), encode_in_parallel(texts, labels, pieces)
    return all(
        np.array_equal(getattr(found, name), getattr(expected, name))
        and getattr(found, name).dtype == getattr(expected, name).dtype
        for name in ("ids", "offsets", "labels")
    )


def test_the_ids_are_those_of_one_process(tmp_path: Path) -> None:
    assert same(vocabulary(), TEXTS)
    koelectra(tmp_path)
    assert same(read_vocabulary(tmp_path / "vocab.txt"), TEXTS)


def test_processes_are_started_only_where_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    start = subprocess.Popen

    def count(*args: Any, **options: Any) -> Any:
        started.append(args)
        return start(*args, **options)

    monkeypatch.setattr(parallel_encoding.subprocess, "Popen", count)
    for texts, others in ((1, 0), (5, 0), (6, 1), (11, 2)):
        started.clear()
        assert same(vocabulary(), TEXTS[:texts])
        assert len(started) == others


def test_where_a_process_fails_its_part_is_encoded_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel_encoding.sys, "executable", "/bin/false")
    assert same(vocabulary(), TEXTS)


def test_leaving_in_the_middle_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def remember(*args: Any, **options: Any) -> Any:
        started.append(start(*args, **options))
        return started[-1]

    def stop(texts: Iterable[str]) -> Iterator[str]:
        yield next(iter(texts))
        raise KeyboardInterrupt

    monkeypatch.setattr(parallel_encoding.subprocess, "Popen", remember)
    with pytest.raises(KeyboardInterrupt):
        encode_in_parallel(TEXTS, np.arange(11), vocabulary(), stop)
    assert [process.poll() is not None for process in started] == [True, True]


def test_every_text_of_the_first_part_is_watched() -> None:
    seen: list[str] = []

    def watch(texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            seen.append(text)
            yield text

    found: Encoded = encode_in_parallel(TEXTS, np.arange(11), vocabulary(), watch)
    assert len(found) == 11
    assert seen == TEXTS[: len(seen)]
    assert len(seen) in (3, 4)
