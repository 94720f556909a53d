"""Encoded texts on disk: what was encoded once is read back the next time.

A file is named after everything that the ids depend on: the texts and the vocabulary. It holds all pieces;
`Encoded.cut` applies a length limit in no time.
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from kobert_demo.dataset import Dataset
from kobert_demo.encoded import Encoded
from kobert_demo.encoding import Vocabulary
from kobert_demo.parallel_encoding import encode_in_parallel

KEPT = 10  # files; a million short sentences take 100 MB


def encode_dataset(
    data: Dataset,
    vocabulary: Vocabulary,
    workspace: Path,
    watched: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> Encoded:
    """Return `data` encoded with all its pieces, from disk where it has been encoded before.

    What is part of another dataset is taken from that one, so that each division of the same sentences
    is encoded once.

    Args:
        watched: passes the texts through while they are encoded, or one part of them where several
            processes share them; it may raise to end it.
    """
    if data.part_of:
        whole, places = data.part_of
        return encode_dataset(whole, vocabulary, workspace, watched).take(places)
    key = f"{data.sha256} {vocabulary.sha256}"
    directory = workspace / "encodings"
    path = directory / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
    labels = np.asarray(data.label_ids, np.int64)
    try:
        with np.load(path) as kept:
            found = Encoded(kept["ids"], kept["offsets"], labels, vocabulary.pad_id)
            if len(found.offsets) == len(labels) + 1 and found.offsets[-1] == len(found.ids):
                path.touch()
                return found
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass  # not there, or damaged
    encoded = encode_in_parallel(data.texts, labels, vocabulary, watched)
    directory.mkdir(parents=True, exist_ok=True)
    with (new := path.with_suffix(".new")).open("wb") as file:
        np.savez(file, ids=encoded.ids, offsets=encoded.offsets)
    new.replace(path)
    for old in sorted(directory.glob("*.npz"), key=lambda each: -each.stat().st_mtime)[KEPT:]:
        old.unlink(missing_ok=True)
    return encoded
