"""How long a page takes to appear, and the server's memory: the pages that need no torch.

In headless Chromium with an empty cache, on the machine of the server. Each page is opened first thing on a
server that has just started, so that it imports what the page needs; then once more by a new visitor of
the server that has done so. Counted is the time from the beginning of the navigation to the frame after
the one in which the page's first heading stands, by the browser's clock. The workspace holds the sample and
a finished run.

The memory is what is resident of the server's process when a visitor has seen the pages with all that they
show: the report of the sample, a run, the form of a new one. torch must not be among what it has loaded.
"""

import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psutil
from playwright.sync_api import Browser, sync_playwright

from benchmarks.harness import Result, alternate
from benchmarks.watching import RUN, SHORT, evaluation, frozen, server, step
from kobert_demo.runs import Runs
from tests.conftest import CHROMIUM_OPTIONS

PAGES = {"home": "", "dataset": "dataset", "training": "training"}
SECONDS, MEGABYTES = 2.5, 250  # the targets
WATCH = """(() => {
  const look = () => {
    const heading = document.querySelector('[data-testid=stMain] h1')
    if (!heading?.innerText || !heading.getBoundingClientRect().height) requestAnimationFrame(look)
    else requestAnimationFrame(() => { window.painted = performance.now() / 1000 })
  }
  look()
})()"""


def prepare(workspace: Path) -> None:
    """Keep the sample and a finished run."""
    store = Runs(workspace).store
    record, _ = frozen(workspace)
    store.add(RUN, "finished", record, steps=SHORT)
    store.claim(RUN, "cpu")
    store.add_steps(RUN, map(step, range(1, SHORT + 1)))
    store.add_evaluation(RUN, evaluation(SHORT))
    store.end(RUN, "finished")


def painted(chromium: Browser, address: str) -> float:
    """Return the seconds until a new visitor sees the heading."""
    with chromium.new_context(viewport={"width": 1440, "height": 1000}) as visitor:
        page = visitor.new_page()
        page.add_init_script(WATCH)
        page.goto(address)
        page.wait_for_function("window.painted", timeout=60_000)
        return float(page.evaluate("window.painted"))


def cold_and_warm(chromium: Browser, workspace: Path, page: str) -> tuple[float, float]:
    with server(workspace) as app:
        cold, warm = (painted(chromium, f"{app.url}/{page}") for _ in range(2))
        return cold, warm


def memory(chromium: Browser, workspace: Path) -> float:
    """Return the megabytes of a server whose pages were all seen; raise if torch is among them."""
    with server(workspace) as app, chromium.new_context(locale="en-US") as visitor:
        page = visitor.new_page()
        page.goto(app.url)
        page.get_by_text("Latest runs").wait_for(timeout=60_000)
        page.goto(f"{app.url}/dataset")
        page.get_by_text("Built-in sample", exact=True).click()
        page.locator(".js-plotly-plot").first.wait_for(timeout=60_000)
        page.goto(f"{app.url}/training?run={RUN}")
        page.locator(".live-chart").first.wait_for(timeout=60_000)
        page.get_by_text("New run", exact=True).click()
        page.get_by_role("button", name="Start", exact=True).wait_for(timeout=60_000)
        assert app.server
        process = psutil.Process(app.server.pid)
        loaded = [one.path for one in process.memory_maps() if "/torch/" in one.path]
        if loaded:
            raise RuntimeError(f"the server has loaded torch: {loaded[0]}")
        return process.memory_info().rss / 1e6


def run(quick: bool) -> list[Result]:
    repeats = 1 if quick else 5
    with ExitStack() as closing:
        workspace = Path(closing.enter_context(tempfile.TemporaryDirectory())) / "workspace"
        prepare(workspace)
        driver = closing.enter_context(sync_playwright())
        chromium = driver.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM_OPTIONS
        )
        closing.callback(chromium.close)
        work = [partial(cold_and_warm, chromium, workspace, page) for page in PAGES.values()]
        *pages, megabytes = alternate(
            repeats, *work, partial(memory, chromium, workspace), warm_up=0
        )
    results = [
        Result(f"first paint, {name}, {when}", "s", seconds, (), SECONDS, at_most=True)
        for name, both in zip(PAGES, pages, strict=True)
        for when, seconds in zip(
            ("server just started", "second visitor"), zip(*both, strict=True), strict=True
        )
    ]
    name = "server memory, every page seen, nothing classified"
    return [*results, Result(name, "MB", megabytes, (), MEGABYTES, at_most=True)]
