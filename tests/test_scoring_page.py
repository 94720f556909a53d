"""The page that scores a file: start, cancel, go on, what came out, in both languages and on a phone."""

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kobert_demo.bundle import save_bundle
from kobert_demo.model_files import READY_MADE
from kobert_demo.reading import detect_format
from kobert_demo.runs import Runs
from kobert_demo.scoring_jobs import Job, ScoringJobs
from kobert_demo.scoring_state import Order
from tests.conftest import PROJECT, App, choose_language
from tests.models import tiny_model, vocabulary, write_tsv

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

HOSTILE = "<img src=x onerror=\"document.title='pwned'\"> **굵게** ![x](https://example.org/x.png)"
RUN = "20260101-000000-abcd"
SECONDS = 120
LINES = ["id\tsentence\tlabel", "1\t정말 행복해요\t행복", "2\t너무 슬퍼요\t슬픔", "3\t \t행복", ""]
FILE = "\n".join(LINES).encode()


def add_hostile_run(workspace: Path, labels: tuple[str, ...] = (HOSTILE, "행복")) -> None:
    """Add a run whose name and labels are hostile text."""
    record = {"config": {"model": "mini", "max_length": 24, "epochs": 1}, "labels": list(labels)}
    record |= {"imported": {"sha256": "0" * 64}, "vocabulary_sha256": "1" * 64, "versions": {}}
    model = tiny_model(labels=len(labels))
    model.config.id2label = dict(enumerate(labels))
    runs = Runs(workspace)
    save_bundle(runs.directory(RUN) / "bundle-0", model, vocabulary(), record, None)
    runs.store.add_imported(RUN, HOSTILE, record, "bundle-0")


def wait(jobs: ScoringJobs, until: Callable[[Job], bool]) -> Job:
    """Return the newest job once it is so."""
    deadline = time.monotonic() + SECONDS
    while not ((found := jobs.list()) and until(found[0])):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found[0]


def open_first(page: "Page", table: "Locator") -> "Locator":
    """Click the arrow of a table's first row and return the field that holds its sentence."""
    table.wait_for(timeout=60_000)
    table.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box = table.bounding_box()
    assert box
    area = page.locator(".st-key-sentences textarea")
    for across in (35, 60, 72):  # the column is wider where there are few others
        page.mouse.click(box["x"] + across, box["y"] + 35 * 1.5)
        page.wait_for_timeout(500)
        if "/classification" in page.url:
            break
    area.wait_for()
    return area


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
        return look(app.switch_page("pages/scoring.py").run())

    return open_page


def look(page: AppTest) -> AppTest:
    assert not page.exception, [element.value for element in page.exception]
    return page


def said(page: AppTest) -> str:
    kinds = ("markdown", "caption", "warning", "error", "info")
    return "\n".join(str(element.value) for kind in kinds for element in page.get(kind))


def upload(page: AppTest, content: bytes, name: str = "data.tsv") -> AppTest:
    page.file_uploader(key="scored file").upload(name, content).run()
    return look(page)


def test_a_file_is_scored_and_what_came_out_is_shown(
    open_page: Callable[..., AppTest], workspace: Path
) -> None:
    page = open_page()
    assert "Choose a file with a sentence on each line" in said(page)
    upload(page, FILE)
    chosen = {box.label: box.value for box in page.selectbox}
    assert (chosen["Sentence column"], chosen["Label column"]) == (1, 2)
    page.button(key="start scoring").click().run()
    look(page)
    jobs = ScoringJobs(workspace)
    job = wait(jobs, lambda job: not job.state.active)
    assert job.state.stage == "done", job.state.error
    assert job.order.classifier == READY_MADE
    page = open_page(job=job.id)
    metrics = {metric.label: metric.value for metric in page.metric}
    assert (metrics["Rows"], metrics["Classified"]) == ("3", "2")
    assert metrics["Agreement"] == "100.0%"
    assert "1 rows hold no readable sentence" in said(page)
    assert len(page.get("plotly_chart")) == 1
    table = page.dataframe[0].value
    assert table["confidence"].is_monotonic_increasing
    assert set(table["sentence"]) == {"정말 행복해요", "너무 슬퍼요"}
    assert set(table["line"]) == {2, 3}
    rows = job.out.read_text(encoding="utf-8").splitlines()
    assert [row.split("\t")[:3] for row in rows] == [line.split("\t") for line in LINES[:-1]]


def test_what_was_detected_can_be_changed(
    open_page: Callable[..., AppTest], workspace: Path
) -> None:
    page = upload(open_page(), "번호;글\n1;좋아요\n2;싫어요\n".encode("cp949"))
    next(box for box in page.selectbox if box.label == "Sentence column").set_value(0).run()
    next(box for box in page.selectbox if box.label == "Label column").set_value(-1).run()
    page.checkbox(key="score guard").check().run()
    page.checkbox(key="score exact").check().run()
    page.button(key="start scoring").click().run()
    job = wait(ScoringJobs(workspace), lambda job: not job.state.active)
    assert job.order.how.encoding == "cp949"
    assert (job.order.text, job.order.label, job.order.guard) == (0, None, True)
    assert job.order.exact
    assert job.state.stage == "done", job.state.error
    assert "Full precision" in said(open_page(job=job.id))


def test_a_list_of_sentences_is_enough_and_an_empty_file_is_said(
    open_page: Callable[..., AppTest],
) -> None:
    page = upload(open_page(), "좋아요\n싫어요\n".encode())
    labels = next(box for box in page.selectbox if box.label == "Label column")
    assert labels.value == -1
    page = upload(open_page(), b"")
    assert [error.value for error in page.error] != []
    assert "start scoring" not in {button.key for button in page.button}


def test_what_stopped_is_offered_and_an_unknown_job_is_said(
    open_page: Callable[..., AppTest], workspace: Path, tmp_path: Path
) -> None:
    path = tmp_path / "gone.tsv"
    order = Order(
        *(str(path), HOSTILE, READY_MADE, READY_MADE),  # type: ignore[arg-type]
        *(detect_format(write_tsv(tmp_path / "in.tsv")), 0, 1, False, time.time()),
    )
    jobs = ScoringJobs(workspace)
    id = jobs.start(order)
    job = wait(jobs, lambda job: not job.state.active)
    assert job.state.stage == "failed"
    page = open_page(job=id)
    assert "cannot be read" in page.error[0].value
    write_tsv(path)
    page.button(key="resume scoring").click().run()
    assert wait(jobs, lambda job: not job.state.active).state.stage == "done"
    page = open_page(job="../../etc")
    assert "not here any more" in said(page)
    page.button(key=f"show {id}").click().run()
    assert look(page).query_params["job"] == id
    page.button(key="delete scoring").click().run()
    look(page)
    assert jobs.list() == []


@pytest.mark.browser
def test_it_goes_on_without_the_page_and_after_a_restart(
    app: App, page: "Page", tmp_path: Path
) -> None:
    path = write_tsv(tmp_path / "many.tsv", copies=2_000)
    jobs = ScoringJobs(app.workspace)
    page.goto(f"{app.url}/scoring")
    page.locator("input[type=file]").set_input_files(path)
    page.locator(".st-key-start-scoring button").click()
    page.locator(".st-key-cancel-scoring button").wait_for()
    wait(jobs, lambda job: job.state.share > 0)
    page.get_by_text("남음").first.wait_for()
    address = page.url
    assert "job=" in address
    page.locator(".st-key-cancel-scoring button").click()
    page.get_by_text("한 것은 남아 있습니다").wait_for()
    stopped = wait(jobs, lambda job: not job.state.active).state
    assert 0 < stopped.share < 1
    page.locator(".st-key-resume-scoring button").click()
    page.locator(".st-key-cancel-scoring button").wait_for()
    page.goto("about:blank")
    app.stop()
    app.start()
    page.goto(address)
    page.locator(".st-key-download-scored button").wait_for(timeout=1_000 * SECONDS)
    with page.expect_download() as waiting:
        page.locator(".st-key-download-scored button").click()
    assert waiting.value.suggested_filename == "many-scored.tsv"
    waiting.value.save_as(tmp_path / "scored.tsv")
    text = (tmp_path / "scored.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()]
    assert len(rows) == 16_001
    assert [row[:2] for row in rows[1:]] == [
        line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]
    ]


@pytest.mark.browser
def test_a_least_certain_sentence_opens_in_classification(
    app: App, page: "Page", tmp_path: Path
) -> None:
    path = write_tsv(tmp_path / "few.tsv", copies=3)
    how = detect_format(path)
    jobs = ScoringJobs(app.workspace)
    order = Order(str(path), path.name, READY_MADE, READY_MADE, how, 0, 1, False, time.time())
    id = jobs.start(order)
    job = wait(jobs, lambda job: not job.state.active)
    assert job.state.summary
    page.goto(f"{app.url}/scoring?job={id}")
    area = open_first(page, page.locator("[class*=st-key-least-certain] canvas").first)
    assert area.input_value() == job.state.summary["least_certain"][0]["text"]
    assert f"classifier={READY_MADE}" in page.url


@pytest.mark.browser
def test_hostile_text_is_shown_as_text_and_the_page_fits_a_phone(
    app: App, browser: "Browser", tmp_path: Path
) -> None:
    if not Runs(app.workspace).list():
        add_hostile_run(app.workspace)
    path = tmp_path / "<b>name.csv"
    written = io.StringIO()
    csv.writer(written).writerows([(HOSTILE, "label"), *[(HOSTILE, HOSTILE)] * 3])
    path.write_text(written.getvalue(), encoding="utf-8")
    for scheme in ("light", "dark"):
        with browser.new_context(
            locale="en-US",
            viewport={"width": 390, "height": 844},
            is_mobile=True,
            color_scheme=scheme,  # type: ignore[arg-type]
        ) as phone:
            phone.set_default_timeout(60_000)
            tab = phone.new_page()
            asked: list[str] = []
            tab.on("request", lambda request, asked=asked: asked.append(request.url))
            tab.goto(f"{app.url}/scoring?classifier={RUN}")
            tab.locator("input[type=file]").set_input_files(path)
            tab.locator(".st-key-start-scoring button").click()
            tab.locator(".st-key-download-scored button").wait_for(timeout=1_000 * SECONDS)
            tab.get_by_text("<b>name.csv").first.wait_for()
            tab.get_by_text("<img src=x").first.wait_for()
            width = "document.querySelector('[data-testid=stMain]').scrollWidth"
            tab.wait_for_function(f"{width} <= innerWidth")
            assert tab.title() != "pwned"
            assert tab.locator("img[src='x']").count() == 0
            assert not [url for url in asked if "example.org" in url]


@pytest.mark.browser
def test_the_page_speaks_both_languages(app: App, page: "Page") -> None:
    page.goto(f"{app.url}/scoring")
    page.get_by_role("heading", name="파일 분류").wait_for()
    choose_language(page, "English")
    page.get_by_role("heading", name="Score a file").wait_for()
    page.get_by_text("Choose a file with a sentence on each line").wait_for()
