"""Reports of runs and of sentences: whole, escaped, in two languages, on paper and without a network."""

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kobert_demo.encoding import encode
from kobert_demo.evaluation_charts import progress_curves
from kobert_demo.language import Message
from kobert_demo.model_files import READY_MADE
from kobert_demo.predictor import Prediction
from kobert_demo.preflight import Report
from kobert_demo.run_report import Story, as_html, story_of
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from tests.conftest import App
from tests.models import vocabulary

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = "<img src=x onerror=\"document.title='pwned'\"></script><b>굵게</b>"
LABELS = (HOSTILE, "행복")
LINES = """cells => cells.map(cell => {
  const range = document.createRange()
  range.selectNodeContents(cell)
  return range.getClientRects().length
})"""


def prediction(text: str, happy: float = 0.75) -> Prediction:
    shares = dict(zip(LABELS, (1 - happy, happy), strict=True))
    return Prediction(
        text, max(shares, key=shares.__getitem__), shares, encode(text, vocabulary(), 32)
    )


def story() -> Story:
    best = {"step": 20, "accuracy": 0.9, "macro_f1": 0.875, "confusion": [[1234, 1], [2, 77]]}
    line = ([10, 20], [0.9, 0.5])
    return Story(
        LABELS,
        32,
        Report(
            label_counts=dict(zip(LABELS, (4321, 12), strict=True)),
            duplicates=17,
            conflicts=18,
            lengths=np.bincount([5] * 3000 + [40] * 1333),
            truncated=1333 / 4333,
            unk_rate=0.0125,
            leaked=19,
        ),
        [(Message("Train loss"), line), (Message("Test loss"), line)],
        [(Message("Train accuracy"), line), (Message("Macro-F1"), line)],
        best,
    )


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_report_is_whole_and_escapes_what_people_wrote(language: str) -> None:
    told = [prediction(HOSTILE), prediction("오늘 정말 좋다", 0.25)]
    text = as_html(HOSTILE, {"Model": HOSTILE}, told, language, story())  # type: ignore[arg-type]
    page = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert "<img" not in page
    assert "<img src=x" not in text
    assert "</script><b>" not in text
    assert "<b>굵게" not in text
    assert "&lt;img src=x" in page
    assert not re.search(r'(src|href)="?https?:', page)
    assert page.count("plotly-graph-div") == 6  # labels, lengths, two of curves, two sentences
    assert "1,234" in page
    for figure in ("4,333", "17", "18", "19", "30.8%", "1.2%"):
        assert f"<td>{figure}</td>" in page, figure
    assert page.count('class="pieces"') == 2
    assert all(f"<span>{token}<small>" in page for token in told[1].encoding.tokens)
    assert "75.0%" in page
    for said in ("Model card", "Training curves", "Confusion matrix", "Training data"):
        assert (said in page) == (language == "en")
    assert "@media print" in page


def test_sentences_alone_are_a_report_too() -> None:
    page = as_html("mini-emotions", {"Model": "mini"}, [prediction("좋다")], "ko")
    assert "혼동 행렬" not in page
    assert ">좋다<" in page


def test_a_sentence_that_was_cut_is_said_to_be() -> None:
    told = [prediction("좋다"), prediction("정말 좋다 " * 20)]
    page = as_html("mini-emotions", {}, told, "en")
    assert page.count("pieces did not fit into 32 and were cut.") == 1
    assert f"<p>{told[1].encoding.cut} pieces did not fit" in page


def test_curves_keep_gaps_and_steps_of_their_own() -> None:
    curves = {"a": ([1, 2, 3], [0.5, None, 0.25]), "b": ([3], [0.1])}
    figure = progress_curves(curves, x_title="x", y_title="y", limits=(0, 1))
    assert [list(line.x) for line in figure.data] == [[1, 2, 3], [3]]
    assert figure.data[0].y[1] is None
    assert tuple(figure.layout.yaxis.range) == (0, 1)


def test_a_run_tells_its_story(evaluated: tuple[Runs, Run]) -> None:
    runs, run = evaluated
    told = story_of(runs, run)
    assert told.best is not None
    assert told.best["macro_f1"] == run.macro_f1
    assert told.data is not None
    assert sum(told.data.label_counts.values()) == run.record["data"]["train_rows"]
    assert list(told.data.label_counts) == list(told.labels)
    train, test = runs.data(run.run)
    assert told.data.leaked == len(set(train.texts) & set(test.texts))
    assert told.data.truncated == told.data.lengths[49:].sum() / len(train)
    assert told.max_length == 48
    assert [steps[-1] for _, (steps, _) in told.losses] == [run.steps, run.steps]


@pytest.mark.browser
def test_it_opens_offline_runs_nothing_and_prints_on_paper(
    browser: "Browser", tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    told = [prediction(HOSTILE), prediction("오늘 정말 좋다 " * 30)]
    path.write_text(as_html(HOSTILE, {"Model": HOSTILE}, told, "ko", story()), encoding="utf-8")
    asked: list[str] = []
    with browser.new_context(locale="ko-KR", viewport={"width": 1440, "height": 1000}) as context:
        context.set_offline(True)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.locator(".js-plotly-plot .main-svg").nth(11).wait_for(state="attached")
        assert page.title().endswith(HOSTILE)
        assert page.locator("img").count() == 0
        page.get_by_role("heading", name="모델 카드").wait_for()
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        paper = page.pdf(format="A4")
        assert paper.startswith(b"%PDF")
        # What is printed fits the paper: the browser lays it out as wide as A4 without its margins.
        page.set_viewport_size({"width": 690, "height": 900})
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        assert (
            page.locator(".scroll").first.evaluate("e => getComputedStyle(e).maxHeight") == "none"
        )
        sentence = page.locator("tr", has_text="75.0%").last
        assert sentence.locator("th, td:not(:last-child)").evaluate_all(LINES) == [1, 1]
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def downloaded(page: "Page", path: Path) -> Path:
    """Return the report that the page's button gives."""
    page.locator(".st-key-report button").first.wait_for(timeout=120_000)
    with page.expect_download(timeout=120_000) as waiting:
        page.locator(".st-key-report button").first.click()
    waiting.value.save_as(path)
    return path


@pytest.mark.browser
def test_one_click_gives_a_report_of_sentences_and_of_a_run(
    app: App, evaluated: tuple[Runs, Run], page: "Page", browser: "Browser", tmp_path: Path
) -> None:
    shutil.copytree(evaluated[0].workspace, app.workspace, dirs_exist_ok=True)
    page.goto(f"{app.url}/classification?classifier={READY_MADE}")
    area = page.locator(".st-key-sentences textarea")
    area.fill(f"{HOSTILE}\n오늘 정말 좋다")
    page.locator(".st-key-classify button").click()
    page.get_by_text("<img src=x").first.wait_for()
    sentences = downloaded(page, tmp_path / "sentences.html")
    page.get_by_test_id("stSidebarNav").get_by_text("평가", exact=True).click()
    whole = downloaded(page, tmp_path / "run.html")
    with browser.new_context(locale="ko-KR", offline=True) as context:
        report = context.new_page()
        for path, matrices in ((sentences, 0), (whole, 1)):
            report.goto(path.as_uri())
            report.locator("section .js-plotly-plot .main-svg").nth(3).wait_for(state="attached")
            assert report.locator("section h3").all_text_contents() == [HOSTILE, "오늘 정말 좋다"]
            assert report.locator("img").count() == 0
            assert report.title() != "pwned"
            assert report.locator(".matrix").count() == matrices
        report.get_by_text(evaluated[1].run).first.wait_for()
        assert report.locator(".matrix tbody tr").count() == 7
        assert report.locator(".js-plotly-plot").count() == 6
