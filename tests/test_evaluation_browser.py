"""The Evaluation page in a real browser: a click on a cell, the exports, a phone."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kobert_demo.evaluation.scoring import compute_logits, scored
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from tests.conftest import App
from tests.evaluating import COMMENTS

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page


@pytest.fixture(scope="module")
def served(app: App, evaluated: tuple[Runs, Run]) -> tuple[App, Run]:
    """The app with the run in its workspace."""
    shutil.copytree(evaluated[0].workspace, app.workspace, dirs_exist_ok=True)
    return app, evaluated[1]


def cell(tab: "Page", row: int, from_right: float) -> None:
    """Click a cell of the matrix: a row from 0, and a column by its place from the right, in cells."""
    matrix = tab.locator(".st-key-matrix canvas").first
    matrix.wait_for(timeout=120_000)
    matrix.scroll_into_view_if_needed()
    box = matrix.bounding_box()
    assert box
    column = (box["width"] - 50) / 7
    tab.mouse.click(
        box["x"] + box["width"] - column * (from_right + 0.5), box["y"] + 35 * (row + 1.5)
    )


@pytest.mark.browser
def test_a_click_on_a_cell_lists_its_sentences_and_each_opens(
    served: tuple[App, Run], page: "Page"
) -> None:
    app, run = served
    page.goto(f"{app.url}/evaluation?evaluated={run.run}")
    cell(page, row=2, from_right=1)
    page.get_by_text("실제 라벨 분노, 예측 행복").wait_for()
    _, test = Runs(app.workspace).data(run.run)
    bundle = Runs(app.workspace).bundle(run.run)
    scores = scored(bundle, test, compute_logits(bundle, test))
    rows = np.flatnonzero((scores.true == 2) & (scores.predicted == 5))
    page.get_by_text(f"문장 {len(rows)}개.", exact=True).first.wait_for()
    first = rows[scores.confidence[rows].argmax()]
    table = page.locator(".st-key-cell-table canvas").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box
    page.mouse.click(box["x"] + 35, box["y"] + 35 * 1.5)
    area = page.locator(".st-key-sentences textarea")
    area.wait_for(timeout=60_000)
    assert area.input_value() == " ".join(test.texts[first].split())
    page.get_by_text("행복", exact=True).first.wait_for()
    assert f"classifier={run.run}" in page.url


@pytest.mark.browser
def test_the_exports_are_whole_and_open_without_a_network(
    served: tuple[App, Run], page: "Page", visitor: "BrowserContext", tmp_path: Path
) -> None:
    app, run = served
    page.goto(f"{app.url}/evaluation?evaluated={run.run}")
    page.locator(".st-key-export-suspects button").wait_for(timeout=120_000)
    files = {}
    for name in ("html", "json", "suspects"):
        with page.expect_download() as waiting:
            page.locator(f".st-key-export-{name} button").click()
        files[name] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(files[name])
    told = json.loads(files["json"].read_text(encoding="utf-8"))
    assert told["run"] == run.run
    assert told["data"]["rows"] == 280
    lines = COMMENTS.read_text(encoding="utf-8").splitlines()
    for row in files["suspects"].read_text(encoding="utf-8-sig").splitlines()[1:]:
        line, label, *_ = row.split("\t")
        assert lines[int(line) - 1].endswith(label)
    asked: list[str] = []
    with visitor.new_page() as report:
        report.on("request", lambda request: asked.append(request.url))
        report.goto(files["html"].as_uri())
        report.locator(".js-plotly-plot .main-svg").nth(4).wait_for(state="attached")
        assert report.locator(".js-plotly-plot").count() == 3
        report.get_by_text(f"문장 280개 중 {told['accuracy']:.1%}").wait_for()
        assert report.locator(".matrix tbody tr").count() == 7
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(served: tuple[App, Run], browser, scheme: str) -> None:
    app, run = served
    with browser.new_context(
        locale="ko-KR",
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        color_scheme=scheme,
    ) as phone:
        tab = phone.new_page()
        tab.goto(f"{app.url}/evaluation?evaluated={run.run}")
        tab.locator(".st-key-scale button").wait_for(timeout=120_000)
        width = "document.querySelector('[data-testid=stMain]').scrollWidth"
        tab.wait_for_function(f"{width} <= innerWidth")
