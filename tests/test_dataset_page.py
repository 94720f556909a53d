"""The Dataset page as a person uses it: give a file, see what is decided, change it, use it."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from kobert_demo.dataset import list_datasets, load_choice
from kobert_demo.ui.elements import plain

APP = str(Path(__file__).parents[1] / "streamlit_app.py")
SENTENCES = [
    "정말 행복한 하루였어요",
    "너무 슬픈 영화였어요",
    "오늘은 기분이 좋아요",
    "눈물이 멈추지 않아요",
]
GOOD = "sentence\tlabel\n" + "".join(
    f"{SENTENCES[n % 4]} {n}\t{'슬픔' if n % 2 else '행복'}\n" for n in range(40)
)


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setenv("KOBERT_DEMO_WORKSPACE", str(tmp_path))
    app = AppTest.from_file(APP, default_timeout=30).run()
    return app.switch_page("pages/dataset.py").run()


def upload(page, content, name="data.tsv", key="upload"):
    content = content if isinstance(content, bytes) else content.encode()
    page.file_uploader(key=key).upload(name, content).run()
    assert not page.exception
    return page


def choices(page):
    return {box.label: box.value for box in page.selectbox}


def metrics(page):
    return {metric.label: metric.value for metric in page.metric}


def test_without_a_file_the_page_says_what_is_needed(page):
    assert "\t행복" in page.code[0].value
    assert not page.button


def test_a_clean_file_is_reported_and_used(page, tmp_path):
    upload(page, GOOD)
    assert choices(page)["Encoding"] == "utf-8"
    assert ":green[:material/check_circle:] Data: all 40 rows can be used." in [
        text.value for text in page.markdown
    ]
    assert not page.warning
    assert metrics(page)["Labels"] == "2"
    assert len(page.get("plotly_chart")) == 2
    page.button(key="use").click().run()
    assert not page.exception
    choice = page.session_state["data"]
    train, test = load_choice(tmp_path, choice)
    assert (len(train), len(test), choice.test, choice.seed) == (32, 8, None, 42)
    assert train.labels == ("슬픔", "행복")


def test_every_unusable_row_is_shown_with_its_reason(page):
    upload(page, GOOD + "\t행복\n하나뿐인 라벨\t공포\n한 칸\n")
    assert [message.value for message in page.warning] == [
        "Data: 40 of 43 rows can be used, 3 cannot."
    ]
    table = next(frame.value for frame in page.dataframe if "Reason" in frame.value)
    assert table["Line"].tolist() == [42, 43, 44]
    assert "공포" in table["Reason"][1]
    assert page.button(key="use")


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"PK\x03\x04 workbook", "data.xlsx", "Excel workbook"),
        (b"\x89PNG\r\n\x1a\n", "data.tsv", "not a text file"),
        (b"sentence\tlabel\n", "data.tsv", "no rows"),
        ("좋아요\n싫어요\n".encode(), "../../data.tsv", "only one column"),
        ("좋은 영화예요\t1\n또 좋은 영화예요\t1\n".encode(), "data.tsv", "two labels"),
    ],
)
def test_what_cannot_be_used_is_said_in_words(page, content, name, said):
    upload(page, content, name)
    assert said in page.error[0].value
    assert not page.button


def test_unreadable_sentences_are_warned_of_loudly(page):
    rows = "".join(f"{chr(0x13000 + n)} 글\t{n % 2}\n" for n in range(20))
    upload(page, rows)
    assert "[UNK]" in page.error[0].value
    assert page.button(key="use")


def test_a_second_file_is_tested_with_and_its_leaks_and_strange_labels_told(page, tmp_path):
    upload(page, GOOD)
    page.segmented_control(key="test of upload").set_value("upload").run()
    assert not page.button
    leaked = GOOD.splitlines()[1]
    upload(
        page, f"{leaked}\n처음 보는 문장이에요\t슬픔\n무서운 밤이에요\t공포\n", key="upload test"
    )
    assert metrics(page)["Leaked"] == "1"
    assert page.warning[0].value == "Test file: 2 of 3 rows can be used, 1 cannot."
    page.button(key="use").click().run()
    train, test = load_choice(tmp_path, page.session_state["data"])
    assert (len(train), len(test)) == (40, 2)


def test_a_file_tested_with_itself_leaks_as_a_whole(page):
    upload(page, GOOD)
    page.segmented_control(key="test of upload").set_value("upload").run()
    upload(page, GOOD, key="upload test")
    assert metrics(page)["Leaked"] == "40"
    assert page.warning[0].value.startswith(
        "100.0% of the test sentences are training sentences too"
    )
    page.button(key="use").click().run()
    assert not page.exception
    choice = page.session_state["data"]
    assert choice.train == choice.test


def test_the_maximum_length_is_carried_to_the_training_form(page):
    def carried():
        page.button(key="use").click().run()
        assert not page.exception
        assert not page.warning
        return page.number_input(key="setting_max_length")

    upload(page, GOOD)
    page.number_input(key="length limit").set_value(128).run()
    assert carried().value == 128
    page.number_input(key="setting_max_length").set_value(32).run()
    page.switch_page("pages/dataset.py").run()
    assert carried().value == 32  # chosen there since, and unchanged here
    page.switch_page("pages/dataset.py").run()
    page.number_input(key="length limit").set_value(64).run()
    assert carried().value == 64


def test_a_used_dataset_can_be_chosen_again(page, tmp_path):
    upload(page, GOOD).button(key="use").click().run()
    [summary] = list_datasets(tmp_path)
    page.switch_page("pages/dataset.py").run()
    page.segmented_control(key="origin").set_value("kept").run()
    assert not page.exception
    assert metrics(page)["Labels"] == "2"
    page.button(key="use").click().run()
    assert page.session_state["data"].train == summary.id


def test_datasets_that_look_alike_are_told_apart(page, tmp_path):
    for content in (GOOD, GOOD.replace("정말", "아주")):
        upload(page, content).button(key="use").click().run()
        page.switch_page("pages/dataset.py").run()
    page.segmented_control(key="origin").set_value("kept").run()
    names = page.selectbox(key="kept").options
    assert len(set(names)) == 2
    for name in names:
        page.selectbox(key="kept").select(name).run()
        page.button(key="use").click().run()
        assert name.endswith(page.session_state["data"].train[-4:])
        page.switch_page("pages/dataset.py").run()
        page.segmented_control(key="origin").set_value("kept").run()


def test_numbers_out_of_their_limits_are_said_in_words(page):
    upload(page, GOOD)
    for key, wrong, right, said in (
        ("length limit", 3, 64, "Maximum length is 3: give a number from 4 to 512"),
        ("test percent", 100, 20, "The share to test on must lie between 0 % and 100 %"),
        ("split seed", -1, 42, "Seed is -1: give a number from 0 to 4294967295"),
    ):
        page.number_input(key=key).set_value(wrong).run()
        assert plain(said) in page.error[0].value
        page.number_input(key=key).set_value(right).run()
        assert not page.error


def test_labels_that_the_test_data_lacks_are_named(page):
    upload(page, GOOD + "무서워요\t공포\n또 무서워요\t공포\n")
    next(b for b in page.segmented_control if "test" in b.label.lower()).set_value("upload").run()
    upload(page, GOOD.replace("정말", "아주"), "test.tsv", key="upload test")
    assert any(warning.value.endswith("of them: 공포.") for warning in page.warning)


def test_an_upload_is_still_there_after_another_page(page):
    upload(page, GOOD)
    page.switch_page("pages/home.py").run()
    page.switch_page("pages/dataset.py").run()
    assert page.button(key="use")


def test_the_name_of_a_file_is_never_a_path(page, tmp_path):
    upload(page, GOOD, "../../../evil<b>.tsv").button(key="use").click().run()
    assert list_datasets(tmp_path)[0].name == "evil<b>.tsv"
    assert not list(tmp_path.parent.glob("**/evil*"))


def test_the_page_speaks_korean(page):
    page.session_state["lang"] = "ko"
    upload(page.run(), GOOD + "\t행복\n")
    assert (
        page.warning[0].value == "데이터: 41개 행 가운데 40개를 쓸 수 있고, 1개는 쓸 수 없습니다."
    )
    assert "라벨 수" in metrics(page)


def test_the_built_in_sample_comes_with_its_own_test_data(page, tmp_path):
    page.segmented_control(key="origin").set_value("sample").run()
    assert not page.exception
    page.button(key="use").click().run()
    train, test = load_choice(tmp_path, page.session_state["data"])
    assert train.labels == test.labels
    assert len(train) > len(test) > 0
