"""How soon a newcomer has a classifier of their own: the built-in sample, `mini`, its preset.

In headless Chromium on the machine of the server, which trains as well. The built-in sample is chosen as it
stands. Counted is the time from pressing Start, by way of the button that leads on when the run has
finished, to the frame after the one in which the pieces of a typed sentence stand on the page, by this
machine's clock.
"""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.harness import Result
from benchmarks.watching import server
from tests.conftest import CHROMIUM_OPTIONS

SENTENCE = "오랜만에 친구를 만나서 정말 즐거웠어요!"
PATIENCE = 300_000  # milliseconds


def classified(page: Page, url: str) -> float:
    """Return the seconds from Start to a sentence that the newly trained model has classified."""
    page.goto(f"{url}/dataset?lang=en")
    page.get_by_text("Built-in sample", exact=True).click()
    page.locator(".st-key-use button").click()
    start = page.locator(".st-key-start button")
    start.wait_for()
    began = time.perf_counter()
    start.click()
    page.locator(".st-key-to_classification button").click(timeout=PATIENCE)
    sentences = page.locator(".st-key-sentences textarea")
    sentences.wait_for()
    sentences.fill(SENTENCE)
    page.wait_for_function(
        "text => document.querySelector('.typed-sentence')?.textContent === text", arg=SENTENCE
    )
    page.evaluate("new Promise(requestAnimationFrame)")
    return time.perf_counter() - began


def run(quick: bool) -> list[Result]:
    with ExitStack() as closing:
        workspace = Path(closing.enter_context(tempfile.TemporaryDirectory())) / "workspace"
        app = closing.enter_context(server(workspace))
        driver = closing.enter_context(sync_playwright())
        chromium = driver.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM_OPTIONS
        )
        closing.callback(chromium.close)
        page = chromium.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(60_000)
        taken = classified(page, app.url)
    name = "first trained classifier: sample, mini, from Start to a classified sentence"
    return [Result(name, "s", (taken,), (), 60, at_most=True)]
