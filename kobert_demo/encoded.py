"""Texts -> `Encoded`: ids of many texts, one after the other. It knows nothing of tensors."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kobert_demo.encoding import Vocabulary


@dataclass(frozen=True)
class Encoded:
    """Texts as ids, one after the other.

    Attributes:
        ids: (pieces of all texts), int32.
        offsets: (texts + 1): text i is `ids[offsets[i]:offsets[i + 1]]`, [CLS] and [SEP] included.
        labels: (texts), int64.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    labels: NDArray[np.int64]
    pad_id: int

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)

    def take(self, rows: NDArray[np.int64]) -> "Encoded":
        """Return these texts alone, in this order."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return replace(self, ids=self.ids[places], offsets=offsets, labels=self.labels[rows])

    def cut(self, max_length: int) -> "Encoded":
        """Return the texts as `encoding.encode` cuts them: `max_length - 2` pieces of each, and [SEP]."""
        lengths = self.lengths
        if lengths.max(initial=0) <= max_length:
            return self
        place = np.arange(len(self.ids)) - np.repeat(self.offsets[:-1], lengths)
        kept = place < max_length - 1
        kept[self.offsets[1:] - 1] = True
        offsets = np.concatenate([[0], np.cumsum(np.minimum(lengths, max_length))])
        return replace(self, ids=self.ids[kept], offsets=offsets)


def encode_whole(
    texts: Iterable[str], labels: NDArray[np.integer], vocabulary: Vocabulary
) -> Encoded:
    """Encode every text with all its pieces, however many they are."""
    cls, sep = array("i", [vocabulary.cls_id]), array("i", [vocabulary.sep_id])
    ids, offsets = array("i"), array("q", [0])
    for pieces in vocabulary.ids_of(texts):
        ids += cls
        ids += pieces
        ids += sep
        offsets.append(len(ids))
    return Encoded(
        ids=np.frombuffer(ids, np.int32) if ids else np.zeros(0, np.int32),
        offsets=np.frombuffer(offsets, np.int64),
        labels=np.asarray(labels, dtype=np.int64),
        pad_id=vocabulary.pad_id,
    )


def encode_texts(
    texts: Iterable[str], labels: NDArray[np.integer], vocabulary: Vocabulary, max_length: int
) -> Encoded:
    """Encode every text as `encoding.encode` does."""
    return encode_whole(texts, labels, vocabulary).cut(max_length)
