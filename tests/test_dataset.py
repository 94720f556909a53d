"""From a file to data that can train: every unusable row is told, and nothing changes on the way."""

from pathlib import Path

import numpy as np
import pytest

from kobert_demo.dataset import (
    Columns,
    detect_columns,
    parse,
    split,
)
from kobert_demo.errors import DataError
from kobert_demo.language import korean
from kobert_demo.reading import Format, detect_format

SHARED = Path(__file__).parents[2] / "shared" / "data"
GOOD = "정말 행복해요\t행복\n너무 슬퍼요\t슬픔\n아주 기뻐요\t행복\n눈물이 나요\t슬픔\n"
PLAIN = Format("utf-8", "\t", header=False, quoted=False)


def told(data):
    return [(problem.line, str(problem.message)) for problem in data.problems]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (" \t행복", "The sentence is empty."),
        ("\u200b\t행복", "The sentence is empty."),
        ("괜찮아요\t ", "The label is missing."),
        ("괜찮아요", "The number of cells is 1 instead of 2."),
        ("괜찮아요\t행복\t3", "The number of cells is 3 instead of 2."),
        ("괜찮\ufffd요\t행복", "The character U+FFFD stands where another was lost before."),
        ("괜찮\x00아요\t행복", "The row holds the control character U+0000."),
        ("괜찮아요\t행\x1b복", "The row holds the control character U+001B."),
        ("괜찮\r아요\t행복", "The row holds the control character U+000D."),
        (
            "괜찮아요\t공포",
            "The label “공포” stands on this row alone; a label needs two rows or more.",
        ),
        ("", "The line is empty."),
        (
            b"\xea\xb4\x9c\xec\xb0\t\xed\x96\x89\xeb\xb3\xb5",
            "Some bytes are not text in the file's encoding.",
        ),
    ],
)
def test_every_bad_row_is_told_with_line_and_reason(dataset, bad, reason):
    bad = bad if isinstance(bad, bytes) else bad.encode()
    data = dataset(b"sentence\tlabel\n" + GOOD.encode() + bad + b"\n" + GOOD.encode())
    assert told(data) == [(6, reason)]
    assert (data.rows, len(data)) == (9, 8)
    assert korean()[data.problems[0].message.text]


def test_an_open_quote_is_told(dataset):
    data = dataset('"그는 ""네"" 했다"\t행복\n"열린 인용\t행복\n' + GOOD)
    assert told(data) == [(2, "An opening quote is never closed.")]
    assert data.texts[0] == '그는 "네" 했다'


def test_a_row_can_have_two_problems_and_counts_once(dataset):
    data = dataset(GOOD + "\t\n")
    assert told(data) == [(5, "The sentence is empty."), (5, "The label is missing.")]
    assert data.rows == len(data) + 1


def test_labels_stay_text_in_the_order_people_count(dataset):
    rows = "".join(
        f"문장 {n} 입니다\t{label}\n" for n in range(2) for label in ["10", "2", "1", "05"]
    )
    assert dataset(rows).labels == ("1", "2", "05", "10")


def test_labels_that_look_alike_are_one(dataset):
    decomposed = "\u1112\u1162\u11bc\u1107\u1169\u11a8"  # as macOS may write 행복
    data = dataset(GOOD + f"좋아요\t{decomposed} \n")
    assert data.counts() == {"슬픔": 2, "행복": 3}


def test_readable_names_replace_labels_and_keep_their_order(dataset):
    data = dataset("좋다\t1\n싫다\t0\n최고다\t1\n나쁘다\t0\n", names={"0": "부정", "1": "긍정"})
    assert data.labels == ("부정", "긍정")
    assert [data.labels[label] for label in data.label_ids] == ["긍정", "부정", "긍정", "부정"]


THREE_LABELS = "".join(f"{n}번째 문장입니다\t{n % 3 + 1}\n" for n in range(9))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"1": "나쁨", "2": "나쁨 "}, ["The labels “1”, “2” would all be called “나쁨”"]),
        ({"2": "3"}, ["The labels “2”, “3” would all be called “3”"]),
        (
            {"1": "\u1112\u1162\u11bc", "2": "행", "3": "행"},  # the first as macOS may write it
            ["The labels “1”, “2”, “3” would all be called “행”"],
        ),
    ],
)
def test_names_that_would_merge_labels_are_refused(dataset, names, said):
    with pytest.raises(DataError) as caught:
        dataset(THREE_LABELS, names=names)
    assert all(sentence in str(caught.value) for sentence in said)
    assert "다른 이름" in caught.value.in_language("ko")


def test_all_merging_names_are_told_together(dataset):
    rows = THREE_LABELS + THREE_LABELS.replace("\t", "\t1")
    with pytest.raises(DataError) as caught:
        dataset(rows, names={"1": "가", "2": "가", "11": "나", "12": "나"})
    assert "“1”, “2” would" in str(caught.value)
    assert "“11”, “12” would" in str(caught.value)


def test_labels_may_swap_their_names(dataset):
    plain, swapped = dataset(THREE_LABELS), dataset(THREE_LABELS, names={"2": "3", "3": "2"})
    assert swapped.labels == ("1", "3", "2")
    assert np.array_equal(swapped.label_ids, plain.label_ids)


GOOD_FILM, BAD_FILM = "아주 좋은 영화였습니다", "시간이 아까웠어요"


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([f"1\t{GOOD_FILM}", f"0\t{BAD_FILM}", f"0\t{BAD_FILM}"], Columns(text=1, label=0)),
        ([f"31\t{GOOD_FILM}\t1", f"47\t{BAD_FILM}\t0"], Columns(text=1, label=2)),
        ([f"31\t{GOOD_FILM}\t2,5,8", f"47\t{BAD_FILM}\t0,1"], Columns(text=1, label=2)),
        ([f"긍정\t{n}\t{GOOD_FILM}" for n in range(9)] + [f"부정\t9\t{BAD_FILM}"], Columns(2, 0)),
        (
            ["id\tlabel\tdocument\tuser", "1\t7\t좋다\t김하나둘셋", "2\t8\t싫다\t이두나"],
            Columns(2, 1),
        ),
        (["label\tlabel", f"{GOOD_FILM}\t1", f"{BAD_FILM}\t0", f"{BAD_FILM}\t0"], Columns(0, 1)),
        (["text\ttext", f"1\t{GOOD_FILM}", f"0\t{BAD_FILM}", f"0\t{BAD_FILM}"], Columns(1, 0)),
    ],
)
def test_columns_are_found(tmp_path, rows, columns):
    path = tmp_path / "file"
    path.write_text("\n".join(rows), encoding="utf-8")
    assert detect_columns(path, detect_format(path)) == columns


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ("sentence\tlabel\n", "has no rows"),
        ("한 칸짜리 문장\n또 다른 문장\n", "only one column"),
        ("좋아요\t1\n최고예요\t1\n", "All usable rows have the label “1”"),
        ("좋아요\t1\n싫어요\t2\n", "None of the 2 rows can be used"),
    ],
)
def test_what_cannot_train_is_said_in_one_error(dataset, content, advice):
    with pytest.raises(DataError, match=advice) as caught:
        dataset(content)
    assert caught.value.in_language("ko")


def test_the_error_tells_all_kinds_of_problems_together(dataset):
    with pytest.raises(DataError) as caught:
        dataset("문장 하나\t\n\t1\n문장 둘\t\n", PLAIN, Columns(0, 1))
    assert "The label is missing. (rows: 2, first line: 1)" in str(caught.value)
    assert "The sentence is empty. (rows: 1, first line: 2)" in str(caught.value)


def test_a_row_with_two_problems_of_a_kind_is_one_row(dataset):
    with pytest.raises(DataError) as caught:
        dataset("문장\x00\x07 하나\t1\n문장\x07\x00 둘\t2\n", PLAIN, Columns(0, 1))
    told = "The row holds the control character U+0000. (rows: 2, first line: 1)"
    assert told in str(caught.value)


@pytest.mark.parametrize("columns", [Columns(0, 0), Columns(0, 2), Columns(-1, 1)])
def test_columns_that_are_not_there_are_refused(dataset, columns):
    with pytest.raises(DataError, match="choose"):
        dataset(GOOD, PLAIN, columns)


def test_a_test_file_may_have_a_label_once(dataset):
    data = dataset("좋아요\t행복\n무서워요\t공포\n", least=1)
    assert data.counts() == {"공포": 1, "행복": 1}


def test_split_is_stratified_and_repeatable(dataset):
    data = dataset(
        "".join(f"문장 {n} 입니다\t{'드묾' if n % 50 == 0 else '흔함'}\n" for n in range(100))
    )
    train, test = split(data, 0.2, seed=1)
    assert (train.counts(), test.counts()) == ({"드묾": 1, "흔함": 78}, {"드묾": 1, "흔함": 20})
    assert sorted([*train.lines, *test.lines]) == list(range(1, 101))
    assert split(data, 0.2, seed=1)[1].texts == test.texts
    assert split(data, 0.2, seed=2)[1].texts != test.texts
    with pytest.raises(DataError):
        split(data, 1.0, seed=1)


def test_a_label_with_more_digits_than_a_number_may_have_is_a_label(dataset):
    long = f"a{'9' * 5_000}"
    labels = dataset(f"하나\t{long}\n둘\t{long}\n셋\ta10\n넷\ta10\n다섯\ta9\n여섯\ta9\n").labels
    assert labels == ("a9", "a10", long)


@pytest.mark.parametrize(
    ("name", "rows", "usable", "columns"),
    [
        ("emotions7-comments.tsv", 4312, 4312, Columns(0, 1)),
        ("kote-val-original.tsv", 5000, 826, Columns(1, 2)),
        ("nsmc-ratings-20k.tsv", 20000, 20000, Columns(1, 2)),
    ],
)
def test_real_files(name, rows, usable, columns):
    path = SHARED / name
    if not path.exists():
        pytest.skip("../shared/data is not here")
    how = detect_format(path)
    data = parse(path, how, detect_columns(path, how))
    assert (data.rows, len(data), data.columns) == (rows, usable, columns)
    assert len({problem.line for problem in data.problems}) == rows - usable
