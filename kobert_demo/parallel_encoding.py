"""Very many texts -> `Encoded`, with a process on each core.

Threads would not do: most of the work is Python's, and SentencePiece holds the interpreter while it cuts.
`python -m kobert_demo.parallel_encoding VOCABULARY` encodes the part that it reads from standard input.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

from kobert_demo.encoded import Encoded, encode_whole
from kobert_demo.encoding import Vocabulary
from kobert_demo.processes import PROJECT
from kobert_demo.vocabularies import read_vocabulary

LEAST = 100_000  # texts of a process: it takes half a second to begin
MOST_PROCESSES = 8
BETWEEN = "\x1e"  # a control character: no text of a dataset holds it


def encode_in_parallel(
    texts: Sequence[str],
    labels: NDArray[np.int64],
    vocabulary: Vocabulary,
    watched: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> Encoded:
    """Encode every text of a dataset with all its pieces, as `encode_whole` does.

    Args:
        watched: passes the first part of the texts through, while others encode the rest; it may raise to
            end it all.
    """
    count = max(1, min(os.cpu_count() or 1, MOST_PROCESSES, len(texts) // LEAST))
    bounds = np.linspace(0, len(texts), count + 1).astype(int).tolist()
    first, *others = [texts[start:end] for start, end in pairwise(bounds)]
    with ExitStack() as stack:
        elsewhere = [stack.enter_context(_encoded_elsewhere(part, vocabulary)) for part in others]
        found = [_encoded(watched(first), vocabulary)]
        for part, answer in zip(others, elsewhere, strict=True):
            found.append(answer() or _encoded(part, vocabulary))
    ids, lengths = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    return Encoded(ids, np.concatenate([[0], np.cumsum(lengths)]), labels, vocabulary.pad_id)


Part = tuple[NDArray[np.int32], NDArray[np.int64]]  # ids of all texts; pieces of each


def _encoded(texts: Iterable[str], vocabulary: Vocabulary) -> Part:
    encoded = encode_whole(texts, np.zeros(0, np.int64), vocabulary)
    return encoded.ids, np.diff(encoded.offsets)


@contextmanager
def _encoded_elsewhere(
    texts: Sequence[str], vocabulary: Vocabulary
) -> Iterator[Callable[[], Part | None]]:
    """Start a process on a part; yield what waits for its answer, None where it failed.

    (Files lie between, not pipes: nobody waits until the other reads.)
    """
    command = [sys.executable, "-m", "kobert_demo.parallel_encoding", str(vocabulary.path)]
    with TemporaryFile() as told, TemporaryFile() as said:
        told.write(BETWEEN.join(texts).encode())
        told.seek(0)
        with subprocess.Popen(command, cwd=PROJECT, stdin=told, stdout=said) as process:

            def answer() -> Part | None:
                if process.wait() != 0:
                    return None
                said.seek(0)
                lengths = np.frombuffer(said.read(8 * len(texts)), np.int64)
                ids = np.frombuffer(said.read(), np.int32)
                return ids, lengths

            try:
                yield answer
            finally:
                process.kill()


def main() -> None:
    texts = sys.stdin.buffer.read().decode().split(BETWEEN)
    ids, lengths = _encoded(texts, read_vocabulary(Path(sys.argv[1])))
    for array in (lengths, ids):
        sys.stdout.buffer.write(array.tobytes())


if __name__ == "__main__":
    main()
