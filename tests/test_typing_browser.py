"""The answer follows what is typed, in a real browser: no reload, no letter lost, no half sentence kept."""

import re
import threading
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from kobert_demo.model_files import READY_MADE
from tests.conftest import App

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, WebSocketRoute

pytestmark = pytest.mark.browser
FIELD = ".st-key-sentences textarea"
SENTENCE = "으악 귀신이다 살려줘!"


def open_page(page: "Page", app: App, text: str) -> "Locator":
    """Return the field of the sentences, with the cursor behind its text."""
    asked = urlencode({"text": text, "classifier": READY_MADE, "lang": "ko"})
    page.goto(f"{app.url}/classification?{asked}")
    page.locator(".typing-hint").wait_for(timeout=60_000)
    page.locator(".typed-sentence").wait_for()
    page.evaluate("window.neverReloaded = true")
    field = page.locator(FIELD)
    field.click()
    page.keyboard.press("Control+End")
    return field


def follows(page: "Page", text: str) -> None:
    """Wait until the pieces, and with them the answer, are those of `text`."""
    page.wait_for_function(
        "text => document.querySelector('.typed-sentence')?.textContent === text",
        arg=text,
        timeout=15_000,
    )


def jamo(letter: str) -> list[str]:
    """Return what an input method shows of a syllable as its letters are struck."""
    parts = unicodedata.normalize("NFD", letter)
    return [unicodedata.normalize("NFC", parts[:count]) for count in range(2, len(parts) + 1)]


def compose(page: "Page", letter: str) -> None:
    """Type a letter as a Korean input method does, Hangul in several strokes."""
    input_method = page.context.new_cdp_session(page)
    for shown in jamo(letter):
        position = {"selectionStart": len(shown), "selectionEnd": len(shown)}
        input_method.send("Input.imeSetComposition", {"text": shown, **position})
    input_method.send("Input.insertText", {"text": letter})
    input_method.detach()


def test_a_korean_sentence_is_followed_letter_by_letter(app: App, page: "Page") -> None:
    field, typed, labels = open_page(page, app, "오늘 정말 행복해요"), "", set()
    page.get_by_text("이번에 분류한 문장(1)").wait_for()
    page.keyboard.press("Control+A")
    for letter in SENTENCE:
        compose(page, letter)
        typed += letter
        if letter != " ":
            follows(page, typed.strip())
            labels.add(page.get_by_test_id("stHtml").first.inner_text().split()[0])
        assert field.input_value() == typed
    assert len(labels) > 1  # of half a sentence and of the whole one
    page.get_by_test_id("stHtml").get_by_text("공포", exact=True).first.wait_for()
    assert page.evaluate("window.neverReloaded")
    assert field.evaluate("field => field === document.activeElement")
    assert field.evaluate("field => field.selectionStart") == len(SENTENCE)
    assert page.get_by_text("이번에 분류한 문장(1)").count() == 1

    page.keyboard.press("Control+Enter")
    page.get_by_text("이번에 분류한 문장(2)").wait_for()
    assert field.input_value() == SENTENCE
    assert page.evaluate("window.neverReloaded")


def test_a_syllable_in_the_making_is_followed_and_not_broken(app: App, page: "Page") -> None:
    field = open_page(page, app, "정말 행")
    input_method = page.context.new_cdp_session(page)
    shown = {"text": "복", "selectionStart": 1, "selectionEnd": 1}
    input_method.send("Input.imeSetComposition", shown)
    follows(page, "정말 행복")
    input_method.send("Input.imeSetComposition", {**shown, "text": "볶"})
    follows(page, "정말 행볶")
    input_method.send("Input.insertText", {"text": "복"})
    follows(page, "정말 행복")
    assert field.input_value() == "정말 행복"


def test_what_was_typed_before_anybody_listened_is_followed(app: App, page: "Page") -> None:
    held: list[tuple[WebSocketRoute, str | bytes]] = []
    listening = threading.Event()

    def hold_the_listener(route: "WebSocketRoute") -> None:
        def pass_on(message: str | bytes) -> None:
            if not listening.is_set() and (held or b"kobert_typing" in bytes(message)):
                held.append((route, message))
            else:
                route.send(message)

        route.connect_to_server().on_message(pass_on)

    page.route_web_socket(re.compile("_stcore/stream"), hold_the_listener)
    page.goto(f"{app.url}/classification?{urlencode({'classifier': READY_MADE, 'lang': 'ko'})}")
    field = page.locator(FIELD)
    field.wait_for(timeout=60_000)
    while not held:
        page.wait_for_timeout(50)
    field.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(SENTENCE)
    assert page.locator(".typing-hint").count() == 0
    listening.set()
    for route, message in held:
        route.send(message)
    follows(page, SENTENCE)


def test_letters_struck_faster_than_answers_come_are_all_there(app: App, page: "Page") -> None:
    field = open_page(page, app, "좋아")
    page.keyboard.press("Home")
    for letter in "아주 정말 많이 ":
        page.keyboard.insert_text(letter)
    follows(page, "아주 정말 많이 좋아")
    assert field.input_value() == "아주 정말 많이 좋아"
    assert field.evaluate("field => field.selectionStart") == len("아주 정말 많이 ")


def test_several_sentences_and_none_are_followed_too(app: App, page: "Page") -> None:
    open_page(page, app, "정말 행복해요")
    page.keyboard.press("Enter")
    for letter in "너무 무서워":
        page.keyboard.insert_text(letter)
    page.get_by_text("행을 고르면").wait_for()  # the table's caption
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.get_by_text("문장을 쓰면 감정을 보여 줍니다").wait_for()
    page.keyboard.insert_text("슬퍼요")
    follows(page, "슬퍼요")


def test_only_the_pieces_follow_each_letter(app: App, page: "Page") -> None:
    open_page(page, app, SENTENCE)
    page.locator(".st-key-look").get_by_text("기여도", exact=True).click()
    page.get_by_text("완전성 오차").wait_for(timeout=60_000)
    page.locator(FIELD).click()
    page.keyboard.insert_text(" 정말")
    page.get_by_text("문장을 다 쓴 뒤").wait_for()
    page.keyboard.press("Control+Enter")
    page.get_by_text("완전성 오차").wait_for(timeout=60_000)


def test_what_is_typed_is_text_and_stays_on_a_phone(app: App, browser: "Browser") -> None:
    hostile = "<img src=x onerror=window.hit=1> <script>window.hit=1</script> <b>굵게</b>"
    with browser.new_context(locale="ko-KR", viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        field = open_page(page, app, "좋아")
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(hostile)
        follows(page, hostile)
        assert field.input_value() == hostile
        assert page.evaluate("window.hit") is None
        assert page.locator("img[src=x], .stMain b").count() == 0
        width = "document.querySelector('[data-testid=stMain]').scrollWidth"
        assert page.evaluate(width) <= 390
