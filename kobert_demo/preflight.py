"""Dataset -> `Report`: what to know about data before anything trains on it.

KoBERT's worst failure trains without an error on sentences that are all [UNK]; the report shows it first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kobert_demo.dataset import Dataset
from kobert_demo.encoded import Encoded
from kobert_demo.encoding import Vocabulary
from kobert_demo.language import Message

SPECIAL_PIECES = 2  # [CLS] and [SEP]
MOST_UNKNOWN = 0.05  # share of [UNK] past which training makes no sense


@dataclass(frozen=True, eq=False)
class Report:
    """What a pre-flight found.

    Attributes:
        label_counts: how many sentences each label has.
        duplicates: rows whose sentence and label already stood in an earlier row.
        conflicts: distinct sentences that stand with more than one label.
        lengths: how many sentences have each `valid_length` before cutting ([CLS] and [SEP] counted);
            int64, (longest + 1,).
        truncated: share of sentences that are longer than `max_length`, 0 to 1.
        unk_rate: share of [UNK] among all pieces of the sentences, 0 to 1.
        leaked: distinct test sentences that are also training sentences.
    """

    label_counts: dict[str, int]
    duplicates: int
    conflicts: int
    lengths: NDArray[np.int64]
    truncated: float
    unk_rate: float
    leaked: int


def inspect(
    dataset: Dataset,
    encoded: Encoded,
    vocabulary: Vocabulary,
    max_length: int,
    test: Dataset | None = None,
) -> Report:
    """Return the report on `dataset`, the training data where there is a `test` set beside it.

    Args:
        encoded: `dataset` with all its pieces, of `vocabulary`.
        max_length: pieces of a sentence that the model reads, [CLS] and [SEP] counted.
    """
    lengths = encoded.lengths
    unknown, pieces = (encoded.ids == vocabulary.unk_id).sum(), (lengths - SPECIAL_PIECES).sum()
    duplicates, conflicts = _count_repetitions(_fingerprints(dataset.texts), dataset.label_ids)
    return Report(
        label_counts=dataset.counts(),
        duplicates=duplicates,
        conflicts=conflicts,
        lengths=np.bincount(lengths),
        truncated=share_cut(np.bincount(lengths), max_length),
        unk_rate=float(unknown / pieces) if pieces else 0.0,
        leaked=count_leaked(dataset, test) if test is not None else 0,
    )


def unreadable(unk_rate: float) -> Message | None:
    """Return a warning where too much of the text is unknown to the vocabulary, else None."""
    if unk_rate <= MOST_UNKNOWN:
        return None
    return Message(
        "{share} of all pieces are [UNK]: the model cannot read these sentences, and training on them "
        "teaches it nothing, without any error. Check the encoding and the sentence column, and "
        "whether the vocabulary belongs to a Korean model.",
        {"share": f"{unk_rate:.1%}"},
    )


def share_cut(lengths: NDArray[np.int64], max_length: int) -> float:
    """Return the share of sentences, 0 to 1, that are longer than `max_length`.

    Args:
        lengths: how many sentences have each `valid_length`, as in `Report`.
    """
    return float(lengths[max_length + 1 :].sum() / max(lengths.sum(), 1))


def count_leaked(train: Dataset, test: Dataset) -> int:
    """Return how many distinct sentences of the test data are training sentences too."""
    return np.intersect1d(_fingerprints(train.texts), _fingerprints(test.texts)).size


def _fingerprints(texts: list[str]) -> NDArray[np.int64]:
    """Return a 64-bit hash of each text, (texts,): equal texts meet without another copy of them."""
    return np.fromiter(map(hash, texts), np.int64, len(texts))


def _count_repetitions(
    sentences: NDArray[np.int64], label_ids: NDArray[np.int32]
) -> tuple[int, int]:
    """Return the rows that repeat sentence and label, and the sentences with more than one label."""
    order = np.lexsort((label_ids, sentences))
    same_sentence = np.diff(sentences[order]) == 0
    same_label = np.diff(label_ids[order]) == 0
    conflicting = sentences[order][1:][same_sentence & ~same_label]
    return int((same_sentence & same_label).sum()), np.unique(conflicting).size
