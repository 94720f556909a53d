"""Looking into an answer: pieces, attribution, attention, what if, two models."""

import html
import json
import re
import unicodedata
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kobert_demo.model_files import READY_MADE
from kobert_demo.runs import Runs
from kobert_demo.ui.inside_view import VIEWS
from kobert_demo.ui.what_if import CHOSEN
from tests.conftest import PROJECT
from tests.test_evaluation_page import IMPORTED, add_imported

TEXT = "으악 귀신이다 너무 무서워서 살려줘!"
TAGS = '<b onclick="alert(1)">좋아</b> <script>alert(1)</script> <img src=x onerror=alert(1)>'
ODD = {
    "tags": TAGS,
    "Markdown": "**굵게** [링크](https://example.org) ![x](http://x/y.png) :smile: $x$ `a` # 제목",
    "right to left": "\u202e뒤집힌 말\u202c \u200f안녕 مرحبا بالعالم",
    "emoji": "😀😀👨‍👩‍👧 🇰🇷",
    "other languages": "我很高兴 とても嬉しい I am so happy καλημέρα",
    "full width and NFD": "ＡＢＣ ㅋㅋㅋ " + unicodedata.normalize("NFD", "안녕하세요"),
    "control characters": "가\u200b나\u0007다 \ufeff라",
    "one letter": "a",
    "very long": "행복한 하루 " * 14_300,
    "one long word": "ㅋ" * 100_000,
}


@pytest.fixture(scope="module", autouse=True)
def emptied() -> None:
    st.cache_resource.clear()


@pytest.fixture
def page(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page as an English visitor finds it, with an answer for `TEXT`."""
    monkeypatch.setenv("KOBERT_DEMO_WORKSPACE", str(workspace))
    app = AppTest.from_file(PROJECT / "streamlit_app.py", default_timeout=60)
    app.session_state["lang"] = "en"
    app.run()
    return ask(app.switch_page("pages/classification.py").run(), TEXT)


def ask(page: AppTest, text: str) -> AppTest:
    page.text_area(key="sentences").set_value(text)
    return whole(page.run())


def whole(page: AppTest) -> AppTest:
    assert not page.exception, [element.value for element in page.exception]
    return page


def look(page: AppTest, view: str) -> AppTest:
    page.session_state["look"] = view
    return whole(page.run())


def choose(page: AppTest, part: int) -> AppTest:
    """Choose an 어절 as a click in the coloured sentence does."""
    page.session_state[CHOSEN] = ((False, READY_MADE, TEXT), part)
    return whole(page.run())


def typed(page: AppTest) -> str:
    """Return the text of the coloured sentence."""
    (block,) = (each.proto.body for each in page.get("html") if "typed-sentence" in each.proto.body)
    return html.unescape(re.sub(r"<[^>]*>", "", block))


def bars(page: AppTest) -> dict[str, list[float]]:
    """Return what the last chart shows: names of the bars -> their values."""
    figure = json.loads(page.get("plotly_chart")[-1].proto.spec)
    return {trace["name"]: trace for trace in figure["data"]}


def test_the_pieces_stand_in_the_sentence(page: AppTest) -> None:
    assert typed(page) == TEXT
    table = page.dataframe[0].value
    assert list(table.columns[:4]) == ["Position", "Piece", "As typed", "Word (어절)"]
    assert list(table.columns[4:]) == ["id", "attention_mask", "token_type_ids"]
    assert "".join(table["As typed"]) == TEXT.replace(" ", "")
    assert list(dict.fromkeys(table["Word (어절)"])) == ["", "1", "2", "3", "4", "5"]
    assert set(table["attention_mask"]) == {1}


def test_padding_is_folded_and_can_be_counted(page: AppTest) -> None:
    read = len(page.dataframe[0].value)
    toggle = page.toggle(key="padding rows")
    assert toggle.label == f"Show {64 - read} rows of padding"
    assert f"[PAD] × {64 - read}" in " ".join(each.proto.body for each in page.get("html"))
    table = whole(toggle.set_value(True).run()).dataframe[0].value
    assert len(table) == 64
    assert list(table["attention_mask"]) == [1] * read + [0] * (64 - read)


def test_attribution_is_a_column_when_asked_for(page: AppTest) -> None:
    page.toggle(key="attribution column").set_value(True).run()
    column = whole(page).dataframe[0].value["Attribution"]
    assert column.iloc[0] == column.iloc[-1] == 0
    assert column.abs().max() > 0


def test_unknown_pieces_are_marked(page: AppTest) -> None:
    ask(page, "쀍 좋아")
    assert any("cannot tell them apart: 1." in each.value for each in page.caption)
    assert "dashed rgb(216,96,105)" in " ".join(each.proto.body for each in page.get("html"))


def test_what_was_cut_is_greyed_and_counted(page: AppTest) -> None:
    text = ("행복한 하루 " * 14_300).strip()
    ask(page, text)
    shown = typed(page)
    assert text.startswith(shown)
    assert len(shown) < 1_000
    assert "line-through" in " ".join(each.proto.body for each in page.get("html"))
    hidden = f"{len(text) - len(shown):,} more characters"
    assert any(hidden in each.value for each in page.caption)


def test_attribution_shows_both_ways_and_how_far_to_trust_them(page: AppTest) -> None:
    look(page, "attribution")
    assert typed(page) == TEXT
    figures = {metric.label: metric.value for metric in page.metric}
    assert float(figures["Completeness gap"].rstrip("%")) < 5
    assert -1 <= float(figures["Agreement of the two ways"]) <= 1
    assert int(figures["Steps of the integral"]) >= 20
    assert list(bars(page)) == ["Integrated gradients", "Leaving it out"]


def test_any_label_can_be_explained(page: AppTest) -> None:
    look(page, "attribution")
    label = next(box for box in page.selectbox if box.label == "Which label to explain")
    assert label.value == "공포"
    before = bars(page)["Leaving it out"]["x"]
    whole(label.set_value("행복").run())
    assert bars(page)["Leaving it out"]["x"] != before


def test_attention_says_that_it_is_no_explanation(page: AppTest) -> None:
    look(page, "attention")
    assert page.warning[0].value.startswith("Attention is not an explanation")
    assert any("masked and gets 0." in caption.value for caption in page.caption)
    for view, told in (("all", "scale of its own"), ("rollout", "Abnar and Zuidema")):
        page.session_state["attention view"] = view
        assert any(told in caption.value for caption in whole(page.run()).caption)


def test_a_word_is_taken_out_or_replaced(page: AppTest) -> None:
    look(page, "what if")
    choose(page, 1)
    assert any(text.value == "으악 너무 무서워서 살려줘!" for text in page.text)
    assert list(bars(page)) == ["Before the change", "After the change"]
    page.text_input(key="instead").set_value("<b>강아지다").run()
    changed = "으악 <b>강아지다 너무 무서워서 살려줘!"
    assert any(text.value == changed for text in whole(page).text)
    page.button(key="go on").click().run()
    assert whole(page).text_area(key="sentences").value == changed


def test_a_changed_sentence_leaves_the_others_alone(page: AppTest) -> None:
    ask(page, f"{TEXT}\n너무 슬퍼요")
    look(page, "what if")
    choose(page, 4)
    page.button(key="go on").click().run()
    expected = "으악 귀신이다 너무 무서워서\n너무 슬퍼요"
    assert whole(page).text_area(key="sentences").value == expected


def test_a_choice_ends_with_its_sentence(page: AppTest) -> None:
    look(page, "what if")
    choose(page, 1)
    ask(page, "너무 슬퍼요 정말")
    assert not any(box.key == "instead" for box in page.text_input)


def test_two_models_stand_side_by_side(page: AppTest, workspace: Path) -> None:
    assert "no second classifier yet" in look(page, "two").info[0].value
    add_imported(Runs(workspace), ["행복", "<b>분노", "새"])
    whole(page.run())  # the run answers now
    whole(page.selectbox(key="classifier").set_value(READY_MADE).run())
    assert page.selectbox(key="second model").value == IMPORTED
    names = list(bars(page))
    assert names[0] == f"1 · {READY_MADE}"
    assert names[1].startswith("2 · notebook.pt")
    assert any("largest difference" in caption.value for caption in page.caption)
    whole(page.toggle(key="two attributions").set_value(True).run())
    assert list(bars(page)) == names
    assert len(bars(page)[names[0]]["customdata"]) == len(TEXT.split())


def test_below_the_visitors_threshold_the_answer_is_not_sure(page: AppTest) -> None:
    def headline() -> str:
        return next(each.proto.body for each in page.get("html") if ":2rem" in each.proto.body)

    assert ">공포<" in headline()
    assert "Not sure" not in headline()
    page.slider(key="sure enough").set_value(100).run()
    assert "Not sure" in headline()
    assert ">공포<" in headline()
    ask(page, f"{TEXT}\n너무 슬퍼요")
    assert page.dataframe[0].value["Emotion"][0] == "Not sure (공포)"


def test_what_answered_is_said(page: AppTest) -> None:
    said = [caption.value for caption in page.caption]
    pattern = r"Answered by mini.*emotions in float32 on the CPU, in \d+ ms\."
    assert any(re.fullmatch(pattern, each.replace("\\", "")) for each in said), said


def test_a_link_brings_the_sentences_and_the_model_back(page: AppTest) -> None:
    text = "<b>정말 & 좋아?</b>\n둘째 줄 100%"
    ask(page, text)
    link = next(code.value for code in page.code if "classifier=" in code.value)
    asked = parse_qs(urlsplit(link).query)
    assert asked == {"classifier": [READY_MADE], "text": [text]}
    ask(page, "다른 말")
    page.query_params["text"] = asked["text"][0]
    assert whole(page.run()).text_area(key="sentences").value == text
    assert "text" not in page.query_params


def test_a_link_that_would_be_too_long_is_not_offered(page: AppTest) -> None:
    ask(page, "가" * 2_001)
    assert any("at most 2,000 characters" in caption.value for caption in page.caption)
    assert not any("classifier=" in code.value for code in page.code)


def test_the_session_is_remembered_newest_first(page: AppTest) -> None:
    ask(page, "너무 슬퍼요")
    history = page.dataframe[-1].value
    assert list(history["Sentence"])[:2] == ["너무 슬퍼요", TEXT]
    assert list(history["Emotion"])[:2] == ["슬픔", "공포"]
    assert parse_qs(urlsplit(history["link"][0]).query)["text"] == ["너무 슬퍼요"]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_text_gets_an_answer_in_every_view(page: AppTest, text: str, view: str) -> None:
    look(page, view)
    ask(page, text)
    if view in ("pieces", "attribution"):
        assert text.strip().startswith(typed(page))
    for block in page.get("html"):
        assert not re.search(r"<(script|img|b)\b", block.proto.body)
