"""Batches: every sentence once, like lengths together, in an order that is still random."""

import numpy as np

from kobert_demo.batches import collate, evaluation_batches, training_batches
from kobert_demo.encoded import Encoded, encode_texts, encode_whole
from kobert_demo.encoding import encode
from tests.models import eight_sentences, vocabulary


def of_lengths(lengths: list[int]) -> Encoded:
    """Rows of the given lengths; the label of each is its own number."""
    return Encoded(
        np.arange(sum(lengths), dtype=np.int32),
        np.cumsum([0, *lengths], dtype=np.int64),
        np.arange(len(lengths), dtype=np.int64),
        pad_id=1,
    )


def test_texts_are_encoded_as_everywhere() -> None:
    texts = ["안녕하세요.", "", "아주 긴 문장입니다 " * 10]
    encoded = encode_texts(texts, np.array([3, 1, 2]), vocabulary(), max_length=10)
    for row, text in enumerate(texts):
        ids = encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]]
        assert tuple(ids) == encode(text, vocabulary(), 10).input_ids
    assert encoded.labels.tolist() == [3, 1, 2]


def test_texts_are_cut_as_the_encoding_cuts_them() -> None:
    texts = ["안녕하세요.", "", "아주 긴 문장입니다 " * 10, "넷"]
    whole = encode_whole(texts, np.arange(4), vocabulary())
    for max_length in (4, 7, 12, 500):
        cut = whole.cut(max_length)
        for row, text in enumerate(texts):
            ids = cut.ids[cut.offsets[row] : cut.offsets[row + 1]]
            assert tuple(ids) == encode(text, vocabulary(), max_length).input_ids


def test_rows_are_taken_in_the_order_asked_for() -> None:
    taken = of_lengths([2, 4, 3]).take(np.array([2, 0]))
    assert taken.ids.tolist() == [6, 7, 8, 0, 1]
    assert (taken.offsets.tolist(), taken.labels.tolist()) == ([0, 3, 5], [2, 0])
    assert len(of_lengths([2, 4]).take(np.array([], np.int64))) == 0


def test_no_texts_make_no_batches() -> None:
    encoded = encode_texts([], np.array([]), vocabulary(), max_length=10)
    assert list(evaluation_batches(encoded, 4)) == []


def test_padding_reaches_the_longest_of_the_batch_and_is_masked_out() -> None:
    batch = collate(of_lengths([2, 4, 3]), np.array([2, 0]))
    assert batch.input_ids.tolist() == [[6, 7, 8], [0, 1, 1]]
    assert batch.attention_mask.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch.labels.tolist() == [2, 0]


def test_an_epoch_has_every_sentence_once() -> None:
    lengths = np.random.default_rng(0).integers(3, 64, 1_003).tolist()
    batches = list(training_batches(of_lengths(lengths), 8, seed=1, epoch=1))
    seen = np.concatenate([batch.labels.numpy() for batch in batches])
    assert sorted(seen) == list(range(1_003))
    assert len(batches) == 126


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    data = of_lengths(np.random.default_rng(0).integers(3, 64, 500).tolist())

    def order(seed: int, epoch: int) -> list[int]:
        batches = training_batches(data, 8, seed, epoch)
        return [label for batch in batches for label in batch.labels.tolist()]

    assert order(1, 1) == order(1, 1)
    assert order(1, 1) != order(1, 2)
    assert order(1, 1) != order(2, 1)


def test_lengths_of_a_batch_are_alike_but_batches_are_not_ordered_by_length() -> None:
    data = of_lengths(np.random.default_rng(0).integers(3, 64, 4_000).tolist())
    widths = [batch.input_ids.shape[1] for batch in training_batches(data, 16, 1, 1)]
    padded = sum(
        int((batch.attention_mask == 0).sum()) for batch in training_batches(data, 16, 1, 1)
    )
    assert padded / sum(16 * width for width in widths) < 0.05
    assert abs(np.corrcoef(np.arange(len(widths)), widths)[0, 1]) < 0.2


def test_evaluation_reads_every_sentence_once() -> None:
    data = eight_sentences()
    labels = [label for batch in evaluation_batches(data, 3) for label in batch.labels.tolist()]
    assert sorted(labels) == [0, 0, 0, 0, 1, 1, 1, 1]
