"""Datasets kept in the workspace: they come back as they were, and choices of them can be trained on."""

import json

import numpy as np
import pytest

from kobert_demo.dataset import (
    DataChoice,
    keep_upload,
    list_datasets,
    load_choice,
    load_dataset,
    save_dataset,
)
from kobert_demo.errors import DataError
from tests.test_dataset import GOOD, told


def test_a_kept_dataset_comes_back_as_it_was(dataset, tmp_path):
    data = dataset(GOOD + "혼자예요\t공포\n\n괜찮아요\t행복\n", name="../../x")
    kept = save_dataset(data, tmp_path / "work")
    again = load_dataset(tmp_path / "work", kept)
    assert (again.sha256, again.id, again.texts, again.labels) == (
        data.sha256,
        kept,
        data.texts,
        data.labels,
    )
    assert np.array_equal(again.label_ids, data.label_ids)
    assert np.array_equal(again.lines, data.lines)
    assert (again.rows, told(again), again.name) == (7, told(data), "../../x")
    assert (again.format, again.columns) == (data.format, data.columns)


def test_a_file_name_that_is_no_text_is_kept_readable(dataset, tmp_path):
    save_dataset(dataset(GOOD, name="\udcb0.tsv"), tmp_path / "work")
    assert list_datasets(tmp_path / "work")[0].name == "?.tsv"


def test_the_same_content_is_kept_once_and_listed(dataset, tmp_path):
    first, second = (save_dataset(dataset(GOOD), tmp_path / "work") for _ in range(2))
    assert first == second
    [summary] = list_datasets(tmp_path / "work")
    assert (summary.id, summary.rows, summary.labels) == (first, 4, ("슬픔", "행복"))
    assert list_datasets(tmp_path / "nowhere") == []


def test_the_hash_hears_every_change(dataset):
    hashes = {
        dataset(content).sha256
        for content in [GOOD, GOOD.replace("아주", "무척"), GOOD.replace("행복\n", "기쁨\n")]
    }
    assert len(hashes) == 3


@pytest.mark.parametrize("dataset_id", ["../../etc", "0" * 16, ""])
def test_a_dataset_that_is_not_there_is_refused(tmp_path, dataset_id):
    with pytest.raises(DataError, match="no dataset"):
        load_dataset(tmp_path, dataset_id)


def test_a_damaged_dataset_is_said_to_be_damaged(dataset, tmp_path):
    kept = save_dataset(dataset(GOOD), tmp_path)
    (tmp_path / "datasets" / kept / "examples.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="damaged"):
        load_dataset(tmp_path, kept)


def test_an_upload_is_named_by_its_content_alone(tmp_path):
    path = keep_upload(b"abc", tmp_path)
    assert path == keep_upload(b"abc", tmp_path)
    assert path.read_bytes() == b"abc"
    assert [file.name for file in (tmp_path / "uploads").iterdir()] == [path.name]
    assert len(path.name) == 64


def test_a_choice_splits_or_takes_the_second_file(dataset, tmp_path):
    train = save_dataset(dataset(GOOD * 5), tmp_path)
    halves = load_choice(tmp_path, DataChoice(train, None, 0.5, 7))
    assert [len(half) for half in halves] == [10, 10]
    second = save_dataset(dataset("무서워요\t공포\n또 행복해요\t행복\n", least=1), tmp_path)
    _, test = load_choice(tmp_path, DataChoice(train, second, 0.5, 7))
    assert (test.texts, test.labels) == (["또 행복해요"], ("슬픔", "행복"))
    assert test.labels[test.label_ids[0]] == "행복"
    assert told(test) == [(1, "The label “공포” is not among the training labels.")]
    assert test.rows == 2


def test_a_test_file_of_other_labels_is_refused(dataset, tmp_path):
    train = save_dataset(dataset(GOOD), tmp_path)
    other = save_dataset(dataset("무서워요\t공포\n놀랐어요\t놀람\n", least=1), tmp_path)
    with pytest.raises(DataError, match="No test sentence"):
        load_choice(tmp_path, DataChoice(train, other, 0.1, 0))


def test_data_to_test_with_is_refused_as_data_to_train_on(dataset, tmp_path):
    alone = save_dataset(dataset("행복해요\t행복\n또 행복해요\t행복\n", least=1), tmp_path)
    with pytest.raises(DataError, match="two labels or more"):
        load_choice(tmp_path, DataChoice(alone, None, 0.2, 1))
    lone = save_dataset(dataset(GOOD + "무서워요\t공포\n놀랐어요\t놀람\n", least=1), tmp_path)
    with pytest.raises(DataError, match="a single sentence each: 공포, 놀람"):
        load_choice(tmp_path, DataChoice(lone, None, 0.2, 1))
    train, _ = load_choice(tmp_path, DataChoice(lone, lone, 0.0, 0))
    assert len(train) == 6


def test_the_same_sentences_from_another_file_are_described_as_they_came_last(dataset, tmp_path):
    first = save_dataset(dataset(GOOD, name="old.tsv"), tmp_path)
    again = save_dataset(dataset("\t행복\n" + GOOD, name="new.tsv"), tmp_path)
    assert first == again
    [summary] = list_datasets(tmp_path)
    assert (summary.name, summary.rows, summary.usable) == ("new.tsv", 5, 4)
    kept = load_dataset(tmp_path, first)
    assert told(kept) == [(1, "The sentence is empty.")]
    assert kept.lines.tolist() == [2, 3, 4, 5]


def test_what_is_kept_on_disk_is_json_that_people_can_read(dataset, tmp_path):
    kept = save_dataset(dataset(GOOD + "\t행복\n"), tmp_path)
    about = json.loads((tmp_path / "datasets" / kept / "dataset.json").read_text(encoding="utf-8"))
    assert about["problems"] == [{"text": "The sentence is empty.", "values": {}, "lines": [5]}]
