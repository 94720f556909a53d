"""The app as a whole: its pages, their addresses, its languages, and what it must not load or say."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from kobert_demo.dataset import detect_columns, parse, save_dataset
from kobert_demo.reading import detect_format
from kobert_demo.ui.style import MODEL_MB
from tests.conftest import PROJECT, App, choose_language

PAGES = {"": "홈", "dataset": "데이터셋", "training": "학습"} | {
    "runs": "학습 기록",
    "evaluation": "평가",
    "classification": "분류",
    "scoring": "파일 분류",
    "test_bench": "시험대",
}
ENGLISH = {"": "Home", "dataset": "Dataset", "training": "Training"} | {
    "runs": "Runs",
    "evaluation": "Evaluation",
    "classification": "Classification",
    "scoring": "Score a file",
    "test_bench": "Test bench",
}
OPEN_PAGE = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("streamlit_app.py", default_timeout=60).run()
if sys.argv[1]:
    app.switch_page(sys.argv[1]).run()
assert not app.exception, [element.value for element in app.exception]
assert app.title, "an empty page"
print(*sorted({"torch", "transformers"} & sys.modules.keys()))
"""


def config() -> dict:
    return tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "page",
    [
        "",
        *(f"pages/{page}.py" for page in ("dataset", "training", "runs", "compare", "evaluation")),
        *("pages/scoring.py", "pages/test_bench.py"),
    ],
)
def test_opening_a_page_imports_neither_torch_nor_transformers(page: str, workspace: Path) -> None:
    table = workspace / "emotions.tsv"
    table.write_text("sentence\tlabel\n" + "기뻐요\t행복\n슬퍼요\t슬픔\n" * 9, encoding="utf-8")
    format = detect_format(table)
    save_dataset(parse(table, format, detect_columns(table, format)), workspace)
    opened = subprocess.run(
        [sys.executable, "-c", OPEN_PAGE, page],
        cwd=PROJECT,
        env={**os.environ, "KOBERT_DEMO_WORKSPACE": str(workspace)},
        capture_output=True,
        text=True,
    )
    assert opened.returncode == 0, opened.stderr
    assert opened.stdout.strip() == ""


def test_the_server_is_for_this_machine_only_and_keeps_its_errors_to_itself() -> None:
    settings = config()
    assert settings["server"]["address"] == "127.0.0.1"
    assert settings["server"]["maxUploadSize"] == MODEL_MB
    assert settings["server"]["fileWatcherType"] == "none"
    assert settings["client"] == {
        "showErrorDetails": "none",
        "showErrorLinks": False,
        "toolbarMode": "minimal",
    }
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["runner"]["postScriptGC"] is False


@pytest.mark.browser
def test_a_page_opened_first_after_a_restart_stands_inside_the_app(app: App, page: Page) -> None:
    app.stop()
    app.start()
    page.goto(f"{app.url}/training")
    expect(page.get_by_test_id("stSidebarNav")).to_contain_text("데이터셋")
    expect(page.get_by_role("heading", level=1)).to_contain_text("학습")


@pytest.mark.browser
@pytest.mark.parametrize("path", PAGES)
def test_pages_have_titles_in_both_languages(app: App, page: Page, path: str) -> None:
    page.goto(f"{app.url}/{path}")
    expect(page).to_have_title(PAGES[path])
    navigation = page.get_by_test_id("stSidebarNav")
    expect(navigation.get_by_role("link")).to_have_text([re.compile(n) for n in PAGES.values()])
    choose_language(page, "English")
    expect(page).to_have_title(ENGLISH[path])
    expect(navigation.get_by_role("link")).to_have_text([re.compile(n) for n in ENGLISH.values()])


@pytest.mark.browser
def test_the_chosen_language_stays_in_the_address(app: App, page: Page) -> None:
    page.goto(app.url)
    choose_language(page, "English")
    expect(page).to_have_url(f"{app.url}/?lang=en")
    page.get_by_test_id("stSidebarNav").get_by_text("Dataset").click()
    expect(page).to_have_url(f"{app.url}/dataset?lang=en")
    page.reload()
    expect(page).to_have_title("Dataset")
    choose_language(page, "한국어")
    expect(page).to_have_url(f"{app.url}/dataset")
    expect(page).to_have_title("데이터셋")


@pytest.mark.browser
def test_the_chosen_language_stays_when_a_button_opens_a_page(app: App, page: Page) -> None:
    page.goto(app.url)
    choose_language(page, "English")
    page.get_by_role("button", name="Train a model").click()
    expect(page).to_have_url(f"{app.url}/training?lang=en")
    expect(page).to_have_title("Training")
    page.get_by_role("button", name="Choose data").click()
    expect(page).to_have_url(f"{app.url}/dataset?lang=en")
    page.reload()
    expect(page).to_have_title("Dataset")


@pytest.mark.browser
@pytest.mark.parametrize(("locale", "title"), [("ko-KR", "홈"), ("en-GB", "Home"), ("fr", "Home")])
def test_the_language_begins_as_the_browsers(app: App, browser, locale: str, title: str) -> None:
    with browser.new_context(locale=locale) as visitor:
        tab = visitor.new_page()
        tab.goto(app.url)
        expect(tab).to_have_title(title, timeout=30_000)


@pytest.mark.browser
def test_the_home_page_leads_to_the_data(app: App, page: Page) -> None:
    page.goto(app.url)
    first = page.get_by_role("button", name="데이터 고르기")
    expect(first).to_have_attribute("data-testid", "stBaseButton-primary")
    first.click()
    expect(page).to_have_url(f"{app.url}/dataset")


@pytest.mark.browser
@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_a_phone(app: App, browser, path: str) -> None:
    with browser.new_context(
        locale="ko-KR", viewport={"width": 390, "height": 844}, is_mobile=True
    ) as phone:
        tab = phone.new_page()
        tab.goto(f"{app.url}/{path}")
        tab.get_by_role("heading", level=1).wait_for(timeout=30_000)
        width = "document.querySelector('[data-testid=stMain]').scrollWidth"
        tab.wait_for_function(f"{width} <= innerWidth")


@pytest.mark.browser
def test_nothing_is_fetched_from_elsewhere(app: App, page: Page) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    for path in PAGES:
        page.goto(f"{app.url}/{path}")
        page.get_by_role("heading", level=1).wait_for()
    elsewhere = [url for url in addresses if not url.startswith((app.url, "data:", "blob:"))]
    assert elsewhere == []


@pytest.mark.browser
def test_korean_is_drawn_with_the_font_that_comes_along(app: App, page: Page) -> None:
    page.goto(app.url)
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function(
        "[...document.fonts].some(f => f.family.includes('Pretendard') && f.status === 'loaded')"
    )


@pytest.mark.browser
def test_the_upload_box_speaks_the_visitors_language(app: App, page: Page) -> None:
    page.goto(f"{app.url}/dataset")
    page.get_by_test_id("stFileUploaderDropzoneInstructions").wait_for()
    words = """[...document.querySelectorAll(
        '[data-testid=stFileUploaderDropzone] :is(button p, [data-testid$=Instructions] span)'
    )].map(element => getComputedStyle(element, '::after').content)"""
    assert page.evaluate(words) == ['"파일 올리기"', '"최대 200MB"']
