"""How a file is read, on the Dataset page: what was detected can be seen and changed, labels named."""

import pytest

from kobert_demo.charset import ENCODINGS
from kobert_demo.dataset import detect_columns, load_choice, parse
from kobert_demo.reading import detect_format
from tests.test_dataset_page import GOOD, choices, page, upload

__all__ = ["page"]  # the fixture


def choose(page, label, value):
    next(box for box in page.selectbox if box.label == label).set_value(value).run()


def test_what_was_detected_can_be_changed(page):
    upload(page, GOOD.replace("\t", ";").encode("cp949"))
    assert choices(page) | {"Encoding": "cp949", "Delimiter": ";"} == choices(page)
    choose(page, "Header line", False)
    assert page.warning[0].value == "Data: 40 of 41 rows can be used, 1 cannot."
    choose(page, "Delimiter", ",")
    assert "only one column" in page.error[0].value
    choose(page, "Delimiter", ";")
    choose(page, "Header line", True)
    choose(page, "Label column", 0)
    choose(page, "Sentence column", 1)
    assert "None of the 40 rows can be used" in page.error[0].value
    assert not page.button


def test_numeric_labels_are_offered_readable_names(page):
    upload(page, "좋은 영화예요\t1\n나쁜 영화예요\t0\n" * 5)
    [editor] = [table for table in page.dataframe if "name" in table.value]
    assert editor.value["label"].tolist() == ["0", "1"]


def test_names_given_to_labels_are_kept_and_used(page, tmp_path):
    upload(page, "좋은 영화예요\t1\n나쁜 영화예요\t0\n" * 5)
    [upload_file] = (tmp_path / "uploads").iterdir()
    how = detect_format(upload_file)
    plain = parse(upload_file, how, detect_columns(upload_file, how))
    page.session_state[f"given names {plain.id}"] = {"0": "부정", "1": "긍정"}
    page.switch_page("pages/home.py").run()
    page.switch_page("pages/dataset.py").run()
    page.button(key="use").click().run()
    train, _ = load_choice(tmp_path, page.session_state["data"])
    assert train.labels == ("부정", "긍정")


def test_names_that_would_merge_labels_are_refused_and_can_be_changed(page, tmp_path):
    upload(page, "좋은 영화예요\t1\n나쁜 영화예요\t0\n" * 5)
    [upload_file] = (tmp_path / "uploads").iterdir()
    how = detect_format(upload_file)
    plain = parse(upload_file, how, detect_columns(upload_file, how))
    page.session_state[f"given names {plain.id}"] = {"0": "1"}
    page.switch_page("pages/home.py").run()
    page.switch_page("pages/dataset.py").run()
    assert "“0”, “1” would all be called “1”" in page.error[0].value.replace("\\", "")
    assert not page.button
    assert [table for table in page.dataframe if "name" in table.value]


@pytest.mark.parametrize("content", [GOOD.encode(), GOOD.encode()[:-1], GOOD.encode("cp949")])
def test_any_encoding_may_be_tried(page, content):
    upload(page, content)
    for encoding in ENCODINGS:
        choose(page, "Encoding", encoding)
        assert not page.exception
        assert choices(page)["Encoding"] == encoding
        assert page.error or page.button(key="use")
    choose(page, "Encoding", "utf-16")
    assert "byte order mark of UTF" in page.error[0].value


@pytest.mark.parametrize(
    ("language", "header"),
    [
        ("en", "Line\tlabel"),
        ("ko", "줄\t라벨"),
        ("en", "line\tlabel"),
        ("en", "0\t0"),
        ("en", "label\tlabel"),
        ("en", "Column 2\t2"),
    ],
)
def test_the_preview_shows_columns_of_any_name(page, language, header):
    page.session_state["lang"] = language
    upload(page.run(), GOOD.replace("sentence\tlabel", header))
    preview = page.dataframe[0].value
    assert preview["line"].tolist()[:2] == [2, 3]
    assert preview.iloc[0].tolist()[1:] == GOOD.splitlines()[1].split("\t")
    assert page.button(key="use")


def test_columns_of_the_same_name_can_be_told_apart(page):
    upload(page, GOOD.replace("sentence\tlabel", "label\tlabel"))
    boxes = {box.label: box for box in page.selectbox}
    assert (boxes["Sentence column"].value, boxes["Label column"].value) == (0, 1)
    assert boxes["Label column"].options == ["Column 1", "Column 2 · detected"]
