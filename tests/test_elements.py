"""The pieces that every page is built from."""

from pathlib import Path
from typing import get_args

import pytest
from playwright.sync_api import Page
from streamlit.testing.v1 import AppTest

from kobert_demo.store import Status
from kobert_demo.ui.elements import STATUSES, WORD_JOINER, duration, plain, status_badge
from tests.conftest import App

HOSTILE = (
    "<b>x</b> ![i](https://evil.example/i.png) [l](https://evil.example) www.evil.example "
    "a@evil.example https://evil.example $x^2$ :material/home: :smile: :red[r] **s** _e_ `c` # h"
)


SHOWING_PAGE = f"""
import streamlit as st
from kobert_demo.ui.elements import plain

st.markdown(plain({HOSTILE!r}))
"""


def failing_page() -> None:
    import streamlit as st

    from kobert_demo.errors import DataError
    from kobert_demo.ui.elements import say_errors

    st.session_state["lang"] = "ko"
    with say_errors():
        raise DataError(
            "There is no file {path}: check the name.", path="![](https://evil.example/x)"
        )
    st.text("never reached")


def test_an_error_is_said_in_the_visitors_language_and_stops_the_page() -> None:
    page = AppTest.from_function(failing_page).run()
    assert [error.value for error in page.error] == [
        f"{plain('![](https://evil.example/x)')} 파일이 없습니다\\. 이름을 확인하세요\\."
    ]
    assert not page.text
    assert not page.exception


@pytest.mark.browser
def test_plain_text_is_shown_and_never_drawn(tmp_path: Path, page: Page) -> None:
    (tmp_path / "page.py").write_text(SHOWING_PAGE, encoding="utf-8")
    app = App(tmp_path / "page.py", tmp_path / "workspace")
    app.start()
    try:
        page.goto(app.url)
        shown = page.get_by_test_id("stMarkdownContainer").first
        shown.wait_for()
        assert (shown.text_content() or "").replace(WORD_JOINER, "") == HOSTILE
        assert shown.locator("a, img, b, strong, em, code, .katex, [translate=no]").count() == 0
    finally:
        app.stop()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (3.14, "3.1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3600, "1 h 0 min"),
        (90_061, "25 h 1 min"),
    ],
)
def test_durations_have_their_two_largest_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_every_status_of_the_store_has_a_badge() -> None:
    assert set(STATUSES) == set(get_args(Status))
    assert "Finished" in status_badge("finished")
