"""The pieces that every page is built from."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest
import streamlit as st
from playwright.sync_api import Page
from streamlit.testing.v1 import AppTest

from kobert_demo.store import Run, RunStore, Status
from kobert_demo.ui.elements import (
    STATUSES,
    WORD_JOINER,
    distinct_names,
    plain,
    run_label,
    status_badge,
)
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


def choosing_page() -> None:
    import streamlit as st

    from kobert_demo.ui.elements import choose_in_address

    st.text(choose_in_address("Run", ["a", "b"], "run", str.upper))


@pytest.mark.parametrize(
    ("asked", "shown", "warnings"), [(None, "a", 0), ("b", "b", 0), ("gone", "a", 1)]
)
def test_the_address_chooses_and_what_is_gone_is_said(
    asked: str | None, shown: str, warnings: int
) -> None:
    page = AppTest.from_function(choosing_page)
    if asked:
        page.query_params["run"] = asked
    page.run()
    assert [text.value for text in page.text] == [shown]
    assert page.query_params["run"] == shown
    assert len(page.warning) == warnings
    assert not page.run().warning


def test_a_choice_is_kept_while_other_pages_are_shown_and_an_address_counts_more() -> None:
    page = AppTest.from_function(choosing_page).run()
    page.selectbox[0].select("b").run()
    assert page.query_params["run"] == "b"
    del page.query_params["run"]  # as on coming back from another page
    assert page.run().text[0].value == "b"
    page.query_params["run"] = "a"
    assert page.run().text[0].value == "a"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    store = RunStore(tmp_path / "runs.sqlite")
    store.add("20260102-030405-abcd", "a.tsv · mini", {}, steps=1)
    return store.run("20260102-030405-abcd")


def test_a_run_is_called_by_its_name_and_time(run: Run) -> None:
    first, later = (run_label(replace(run, created_at=second)) for second in (1e9, 1e9 + 1))
    assert first.startswith("a.tsv · mini · 09-")
    assert first != later


def test_a_runs_time_is_the_visitors(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(timezone_offset=-540))
    assert run_label(replace(run, created_at=0)) == "a.tsv · mini · 01-01 09:00:00"


def test_a_runs_label_stays_when_its_status_changes(run: Run) -> None:
    assert run_label(run) == run_label(replace(run, status="finished", macro_f1=0.5))


def test_options_of_the_same_name_are_told_apart() -> None:
    files = {"id-0001": "a.tsv", "id-0002": "a.tsv", "id-0003": "b.tsv"}
    names = distinct_names(list(files), files.__getitem__)
    assert list(names.values()) == ["a.tsv · 0001", "a.tsv · 0002", "b.tsv"]


def test_every_status_of_the_store_has_a_badge() -> None:
    assert set(STATUSES) == set(get_args(Status))
    assert "Finished" in status_badge("finished")
