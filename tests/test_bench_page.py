"""The test bench: sets edited, imported, exported; put to models; what got worse is shown."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kobert_demo.model_files import READY_MADE
from kobert_demo.sentence_sets import Case, SentenceSets
from kobert_demo.trials import Answer, Trial, keep_trials, read_trials
from kobert_demo.ui.elements import plain
from tests.conftest import PROJECT, App, choose_language
from tests.test_scoring_page import HOSTILE, RUN, add_hostile_run, open_first

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def open_page(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open the page as an English visitor."""
    monkeypatch.setenv("KOBERT_DEMO_WORKSPACE", str(workspace))
    st.cache_resource.clear()

    def open_page(**query: str) -> AppTest:
        app = AppTest.from_file(PROJECT / "streamlit_app.py", default_timeout=60)
        app.session_state["lang"] = "en"
        app.run()
        for name, value in query.items():
            app.query_params[name] = value
        return look(app.switch_page("pages/test_bench.py").run())

    return open_page


def look(page: AppTest) -> AppTest:
    assert not page.exception, [element.value for element in page.exception]
    return page


def said(page: AppTest) -> str:
    kinds = ("markdown", "caption", "success", "warning", "error", "info")
    return "\n".join(str(element.value) for kind in kinds for element in page.get(kind))


def test_the_built_in_set_is_put_to_the_ready_made_model(
    open_page: Callable[..., AppTest], workspace: Path
) -> None:
    page = open_page()
    assert page.query_params["set"] == "everyday"
    page.button(key="run test").click().run()
    table = look(page).dataframe[-1].value
    (trial,) = read_trials(SentenceSets(workspace).directory("everyday"))
    assert trial.classifier == READY_MADE
    assert len(table) == trial.judged == 35
    assert trial.passed > 25
    assert page.metric[0].value == f"{trial.passed} of 35 passed"
    assert sum(cell.startswith("✓") for cell in table["0"]) == trial.passed
    page.toggle(key="only failed").set_value(True).run()
    failed = look(page).dataframe[-1].value
    assert len(failed) == 35 - trial.passed
    assert all(cell.startswith("✗") for cell in failed["0"])


def test_regressions_against_the_previous_run_are_shown(
    open_page: Callable[..., AppTest], workspace: Path
) -> None:
    sets = SentenceSets(workspace)
    sets.save("hard", [Case("정말 행복해요", "행복"), Case("너무 슬퍼요", "행복")])
    before = [Answer(case.text, "행복", "행복", 0.9, True) for case in sets.get("hard").cases]
    keep_trials(sets.directory("hard"), [Trial(1, READY_MADE, READY_MADE, tuple(before))])
    page = open_page(set="hard")
    page.button(key="run test").click().run()
    look(page)
    assert "1 sentences passed before and fail now" in page.error[0].value
    table = next(one.value for one in page.dataframe if "Before" in one.value)
    assert table["Sentence"].tolist() == ["너무 슬퍼요"]
    assert table["Before"].tolist() == ["✓ 행복 90.0%"]
    assert table["Now"][0].startswith("✗ 슬픔")
    assert page.metric[0].delta == "-1"
    page.button(key="run test").click().run()
    assert "no regressions" in said(look(page))


def test_labels_that_a_model_does_not_know_are_said(
    open_page: Callable[..., AppTest], workspace: Path
) -> None:
    SentenceSets(workspace).save("hard", [Case("좋아요", "기쁨"), Case("행복해요", "행복")])
    page = open_page(set="hard")
    page.button(key="run test").click().run()
    assert "does not know 기쁨: such sentences neither pass nor fail" in said(look(page))
    assert page.metric[0].value == "1 of 1 passed"


def test_sets_are_made_from_files_and_deleted(
    open_page: Callable[..., AppTest], workspace: Path
) -> None:
    page = open_page()
    page.text_input(key="new set name").set_value("내 모음").run()
    file = "문장,감정\n좋아요,행복\n,분노\n싫어요,혐오\n".encode("cp949")
    page.file_uploader(key="new set file").upload("../x.csv", file).run()
    page.button(key="create set").click().run()
    sets = SentenceSets(workspace)
    made = sets.list()[-1]
    assert made.cases == (Case("좋아요", "행복"), Case("싫어요", "혐오"))
    assert look(page).query_params["set"] == made.id
    assert "1 rows without a sentence or an emotion" in said(page)
    page.button(key="delete set").click().run()
    assert look(page).query_params["set"] == "everyday"
    assert len(sets.list()) == 2


def test_an_empty_name_is_said(open_page: Callable[..., AppTest]) -> None:
    page = open_page()
    page.button(key="create set").click().run()
    assert page.error[0].value == plain("A set needs a name: type one.")


@pytest.mark.browser
def test_hostile_text_is_shown_as_text_beside_two_models(
    app: App, browser: "Browser", tmp_path: Path
) -> None:
    add_hostile_run(app.workspace)
    sets = SentenceSets(app.workspace)
    id = sets.add(HOSTILE, [Case(HOSTILE, HOSTILE), Case("좋아요", "행복")])
    passed = tuple(Answer(text, HOSTILE, HOSTILE, 0.9, True) for text in (HOSTILE, "좋아요"))
    keep_trials(sets.directory(id), [Trial(time.time() - 60, RUN, HOSTILE, passed)])
    for width, scheme in ((1440, "light"), (390, "dark")):
        with browser.new_context(
            locale="en-US",
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
        ) as visitor:
            visitor.set_default_timeout(60_000)
            tab = visitor.new_page()
            asked: list[str] = []
            tab.on("request", lambda request, asked=asked: asked.append(request.url))
            tab.goto(f"{app.url}/test_bench?set={id}")
            tab.get_by_role("combobox", name="Models").last.click()
            tab.get_by_role("option", name=READY_MADE).click()
            tab.keyboard.press("Escape")
            tab.locator(".st-key-run-test button").click()
            tab.get_by_text("of 1 passed").first.wait_for()
            tab.get_by_text("does not know <img src=x").first.wait_for()
            main = "document.querySelector('[data-testid=stMain]').scrollWidth"
            tab.wait_for_function(f"{main} <= innerWidth")
            assert tab.title() != "pwned"
            assert tab.locator("img[src='x']").count() == 0
            assert not [url for url in asked if "example.org" in url]
    trials = read_trials(sets.directory(id))
    assert {trial.classifier for trial in trials[1:]} == {RUN, READY_MADE}


@pytest.mark.browser
def test_a_set_is_edited_saved_and_exported_in_both_languages(
    app: App, page: "Page", tmp_path: Path
) -> None:
    page.goto(f"{app.url}/test_bench?set=hard")
    page.get_by_role("heading", name="시험대").wait_for()
    page.get_by_text("문장과 기대 감정").click()
    table = page.locator("[class*=st-key-set-editor] canvas").first
    table.wait_for()
    box = table.bounding_box()
    assert box
    page.mouse.dblclick(box["x"] + 120, box["y"] + 35 * 1.5)
    field = page.locator("textarea.gdg-input")  # of the cell
    field.fill("고친 문장")
    field.press("Enter")
    field.wait_for(state="hidden")
    page.wait_for_timeout(500)  # until the server knows of it
    page.locator(".st-key-save-set button").click()
    page.get_by_text("원래대로").wait_for()
    assert SentenceSets(app.workspace).get("hard").cases[0] == Case("고친 문장", "공포")
    with page.expect_download() as waiting:
        page.locator(".st-key-export-set button").click()
    waiting.value.save_as(tmp_path / "set.tsv")
    lines = (tmp_path / "set.tsv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[:2] == ["sentence\tlabel", "고친 문장\t공포"]
    assert len(lines) == 22
    choose_language(page, "English")
    page.get_by_role("heading", name="Test bench").wait_for()
    page.wait_for_timeout(500)
    page.get_by_text("Back to the original").click()
    page.wait_for_timeout(500)  # until it has opened
    page.locator(".st-key-delete-set button").click()
    deadline = time.monotonic() + 20
    while SentenceSets(app.workspace).get("hard").edited:
        assert time.monotonic() < deadline
        page.wait_for_timeout(100)
    page.get_by_text("Back to the original").wait_for(state="detached")


@pytest.mark.browser
def test_a_failed_sentence_opens_in_classification(app: App, page: "Page") -> None:
    sets = SentenceSets(app.workspace)
    sets.save("everyday", [Case("너무 슬퍼요", "행복")])
    page.goto(f"{app.url}/test_bench?set=everyday")
    page.locator(".st-key-run-test button").click()
    area = open_first(page, page.locator("[class*=st-key-trial] canvas").first)
    assert area.input_value() == "너무 슬퍼요"
