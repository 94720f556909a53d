"""The Classification page: it answers from the first visit, and says what answers."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kobert_demo.bundle import read_record
from kobert_demo.charts import percent
from kobert_demo.model_files import BUILT_IN, READY_MADE
from kobert_demo.predictor import Predictor
from tests.conftest import PROJECT


@pytest.fixture
def page(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page as an English visitor finds it in an empty workspace."""
    monkeypatch.setenv("KOBERT_DEMO_WORKSPACE", str(workspace))
    st.cache_resource.clear()
    app = AppTest.from_file(PROJECT / "streamlit_app.py", default_timeout=60)
    app.session_state["lang"] = "en"
    app.run()
    app.switch_page("pages/classification.py").run()
    assert not app.exception, [element.value for element in app.exception]
    return app


def answers(page: AppTest) -> str:
    return " ".join(block.proto.body for block in page.get("html"))


def ask(page: AppTest, text: str) -> AppTest:
    page.text_area(key="sentences").set_value(text).run()
    assert not page.exception
    return page


def test_the_first_visit_classifies(page: AppTest) -> None:
    assert ">행복<" in answers(page)
    assert page.query_params["classifier"] == READY_MADE


def test_the_ready_made_model_is_called_what_it_is(page: AppTest) -> None:
    measured = read_record(BUILT_IN / READY_MADE)["measured"]
    said = page.caption[0].value
    assert f"right on {percent(measured['everyday']['accuracy'])} of 140 everyday" in said
    assert percent(measured["comments"]["accuracy"]) in said
    assert "no judge of people" in said


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("으악 귀신이다 살려줘", "공포"),
        ("헐 너 언제 결혼했어??", "놀람"),
        ("우웩 더러워", "혐오"),
    ],
)
def test_rare_emotions_are_found(page: AppTest, text: str, emotion: str) -> None:
    assert f">{emotion}<" in answers(ask(page, text))


def test_several_sentences_are_a_table_with_the_answers_first(page: AppTest) -> None:
    table = ask(page, "정말 행복해요\n\n너무 슬퍼요").dataframe[0].value
    assert list(table.columns) == ["Emotion", "Probability (%)", "Sentence"]
    assert list(table["Sentence"]) == ["정말 행복해요", "너무 슬퍼요"]
    assert list(table["Emotion"]) == ["행복", "슬픔"]


def test_only_the_lines_that_changed_are_classified_again(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, predict = [], Predictor.predict
    monkeypatch.setattr(
        Predictor, "predict", lambda self, texts: asked.append(texts) or predict(self, texts)
    )
    ask(page, "정말 행복해요\n너무 슬퍼요\n정말 행복해요")
    table = ask(page, "정말 행복해요\n너무 무서워요\n정말 행복해요").dataframe[0].value
    assert asked == [["정말 행복해요", "너무 슬퍼요"], ["너무 무서워요"]]
    assert list(table["Emotion"]) == ["행복", "공포", "행복"]


@pytest.mark.parametrize("text", ["", " \n\t\n "])
def test_without_a_sentence_the_page_says_what_to_do(page: AppTest, text: str) -> None:
    assert [info.value for info in ask(page, text).info] == ["Type a sentence to see its emotion."]


def test_what_the_model_cannot_read_is_said(page: AppTest) -> None:
    assert any("could read nothing" in warning.value for warning in ask(page, "쀍").warning)


def test_what_does_not_fit_is_said(page: AppTest) -> None:
    warnings = ask(page, "행복한 하루 " * 10_000).warning
    assert any("were cut" in warning.value for warning in warnings)
