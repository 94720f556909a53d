"""Looking into an answer in a real browser: both languages, hostile text, a phone, and Cancel."""

import time
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from kobert_demo.model_files import READY_MADE
from kobert_demo.runs import Runs
from tests.conftest import PROJECT, App, choose_language
from tests.test_evaluation_page import IMPORTED, add_imported

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
HIT = "<img src=x onerror=window.hit=1>"
SENTENCE = "으악 귀신이다 너무 무서워서 살려줘!"
PIECES = ["으", "악", "귀신", "이다", "너무", "무서워", "서", "살려", "줘", "!"]
HOSTILE = [
    f"좋아 {HIT} <script>window.hit=1</script> <b>굵게</b> **굵게** "
    "[링크](javascript:window.hit=1) ![x](http://127.0.0.1:9/x.png) :smile: $x$",
    "\u202e뒤집힌 말\u202c \u200f안녕 مرحبا 😀 👨‍👩‍👧 ＡＢＣ ㅋㅋㅋ "
    + unicodedata.normalize("NFD", "안녕하세요"),
]
VIEWS = {
    "ko": ["모델이 읽은 것", "기여도", "바꿔 보기", "어텐션", "두 모델"],
    "en": ["What the model read", "Attribution", "What if", "Attention", "Two models"],
}
DONE = {  # what each view shows when it is whole
    "ko": [
        "토큰 표",
        "완전성 오차",
        "빼거나 바꿀 부분을 누르세요",
        "어텐션은 설명이 아닙니다",
        "두 번째 모델",
    ],
    "en": [
        *("Token table", "Completeness gap", "Click what to take out"),
        *("Attention is not an explanation", "Second model"),
    ],
}


@pytest.fixture(scope="module")
def served(app: App) -> App:
    """The app with a second classifier whose name and labels are hostile."""
    add_imported(Runs(app.workspace), ["행복", HIT, "<b>분노"], f"{HIT}.pt")
    return app


@pytest.fixture
def alert(page: "Page") -> Iterator[list[str]]:
    """What a script of somebody's text would do: none may."""
    heard: list[str] = []
    page.on("dialog", lambda dialog: heard.append(dialog.message) or dialog.dismiss())
    page.on(
        "request", lambda request: heard.append(request.url) if ":9/x.png" in request.url else None
    )
    yield heard
    assert heard == []


def open_page(page: "Page", app: App, language: str, text: str, classifier: str) -> None:
    asked = urlencode({"text": text, "classifier": classifier, "lang": language})
    page.goto(f"{app.url}/classification?{asked}")
    page.locator(".typed-sentence").wait_for(timeout=60_000)


def look(page: "Page", language: str, number: int) -> None:
    group = page.locator(".st-key-look")
    group.get_by_role("radio", name=VIEWS[language][number]).or_(
        group.get_by_role("button", name=VIEWS[language][number])
    ).first.click()
    page.get_by_text(DONE[language][number]).first.wait_for()
    settle(page)


def settle(page: "Page") -> None:
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
    assert page.get_by_test_id("stException").count() == 0
    assert page.evaluate("window.hit") is None
    assert (
        page.evaluate("document.querySelectorAll('[onerror], img[src=x], .stMain b').length") == 0
    )


@pytest.mark.parametrize(("language", "classifier"), [("ko", READY_MADE), ("en", IMPORTED)])
def test_every_view_shows_hostile_text_as_text(
    served: App, page: "Page", alert: list[str], language: str, classifier: str
) -> None:
    for text in HOSTILE:
        open_page(page, served, language, text, classifier)
        shown = page.locator(".typed-sentence").evaluate("element => element.textContent")
        assert shown == text
        for number in range(len(VIEWS[language])):
            look(page, language, number)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_an_answer_is_looked_into(served: App, page: "Page", language: str) -> None:
    open_page(page, served, language, SENTENCE, READY_MADE)
    look(page, language, 1)
    assert page.locator(".typed-sentence").text_content() == SENTENCE
    look(page, language, 2)
    page.get_by_role("button", name="귀신이다", exact=True).click()
    page.get_by_text("으악 너무 무서워서 살려줘!", exact=True).wait_for()
    look(page, language, 3)
    page.locator(".js-plotly-plot .xy").first.wait_for()
    look(page, language, 4)
    page.get_by_text("2 · ").first.wait_for()


def test_a_part_is_chosen_in_the_sentence_with_keys_too(served: App, page: "Page") -> None:
    open_page(page, served, "en", "정말 정말 좋아", READY_MADE)
    look(page, "en", 2)
    sentence = page.get_by_role("group", name="Click what to take out")
    parts = sentence.get_by_role("button")
    assert parts.all_text_contents() == ["정말", "정말", "좋아"]
    assert sentence.text_content() == "정말 정말 좋아"
    assert sentence.locator("[tabindex='0']").count() == 1
    parts.first.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.get_by_text("정말 좋아", exact=True).wait_for()
    assert [part.get_attribute("aria-pressed") for part in parts.all()] == [
        "false",
        "true",
        "false",
    ]
    assert parts.nth(1).evaluate("part => part === document.activeElement")
    page.get_by_label("What to put in its place").fill("<b>안</b>")
    page.get_by_label("What to put in its place").press("Enter")
    page.get_by_text("정말 <b>안</b> 좋아", exact=True).wait_for()
    parts.nth(1).focus()
    page.keyboard.press(" ")
    page.get_by_label("What to put in its place").wait_for(state="detached")
    settle(page)


@pytest.mark.parametrize(("language", "by_piece"), [("ko", "조각"), ("en", "Piece")])
def test_a_piece_taken_out_moves_the_probabilities(
    served: App, page: "Page", language: str, by_piece: str
) -> None:
    from kobert_demo.predictor import Predictor  # imports torch

    open_page(page, served, language, SENTENCE, READY_MADE)
    look(page, language, 2)
    page.locator(".st-key-what-if-by-piece").get_by_text(by_piece, exact=True).click()
    sentence = page.get_by_role("group", name=DONE[language][2])
    sentence.get_by_role("button", name="귀신", exact=True).wait_for()
    assert sentence.get_by_role("button").all_text_contents() == PIECES
    for piece, changed in (
        ("귀신", "으악 이다 너무 무서워서 살려줘!"),
        ("무서워", "으악 귀신이다 너무 서 살려줘!"),
    ):
        before, after = Predictor(READY_MADE).predict([SENTENCE, changed])
        labels = sorted(before.probabilities, key=lambda label: -before.probabilities[label])
        shown = [f"{each.probabilities[label]:.1%}" for each in (before, after) for label in labels]
        assert shown[:7] != shown[7:]
        sentence.get_by_role("button", name=piece, exact=True).click()
        page.get_by_text(changed, exact=True).wait_for()
        page.wait_for_function(
            """shown => [...document.querySelectorAll('.js-plotly-plot .bartext')]
              .map(text => text.textContent).join() === shown.join()""",
            arg=shown,
        )
    settle(page)


def test_a_changed_sentence_goes_on_in_the_field(served: App, page: "Page") -> None:
    open_page(page, served, "ko", f"{SENTENCE}\n너무 슬퍼요", READY_MADE)
    look(page, "ko", 2)
    page.get_by_role("button", name="귀신이다", exact=True).click()
    page.locator(".st-key-go-on button, .st-key-go_on button").first.click()
    changed = "으악 너무 무서워서 살려줘!\n너무 슬퍼요"
    page.wait_for_function(
        "text => document.querySelector('.st-key-sentences textarea').value === text", arg=changed
    )


def test_the_view_stays_when_the_language_is_changed(served: App, page: "Page") -> None:
    open_page(page, served, "ko", SENTENCE, READY_MADE)
    look(page, "ko", 1)
    choose_language(page, "English")
    page.get_by_text(DONE["en"][1]).first.wait_for()
    settle(page)


def test_a_shared_link_opens_what_it_was_made_of(served: App, page: "Page") -> None:
    open_page(page, served, "ko", SENTENCE, IMPORTED)
    page.get_by_test_id("stPopover").get_by_text("공유").click()
    link = page.locator("[data-testid=stPopoverBody] code").text_content()
    assert link and link.startswith(f"{served.url}/classification?")
    page.goto(link)
    page.locator(".typed-sentence").wait_for()
    assert page.locator(".typed-sentence").text_content() == SENTENCE
    assert f"classifier={IMPORTED}" in page.url


def test_nothing_is_wider_than_a_phone(served: App, browser: "Browser") -> None:
    with browser.new_context(locale="ko-KR", viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        open_page(page, served, "ko", f"{SENTENCE} {'긴말' * 40}", READY_MADE)
        for number in range(len(VIEWS["ko"])):
            look(page, "ko", number)
            width = "document.querySelector('[data-testid=stMain]').scrollWidth"
            assert page.evaluate(width) <= 390, VIEWS["en"][number]


def test_an_attribution_is_cancelled_by_its_button(
    browser: "Browser", tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("slow")
    (home / ".streamlit").symlink_to(PROJECT / ".streamlit")
    (home / "app.py").write_bytes((PROJECT / "tests" / "slow_attribution_app.py").read_bytes())
    workspace = home / "workspace"
    workspace.mkdir()
    running = App(home / "app.py", workspace)
    running.start()
    try:
        with browser.new_context(locale="ko-KR") as context:
            page = context.new_page()
            page.goto(running.url)
            cancel = page.get_by_role("button", name="취소")
            cancel.wait_for(timeout=60_000)
            deadline = time.monotonic() + 30
            while not (workspace / "heard").exists():
                assert time.monotonic() < deadline
                time.sleep(0.1)
            cancel.click()
            page.get_by_text("Shown: pieces").wait_for(timeout=5_000)
        heard = (workspace / "heard").read_text()
        time.sleep(1)
        assert (workspace / "heard").read_text() == heard
    finally:
        running.stop()
