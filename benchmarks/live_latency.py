"""How long a training step takes from the worker's write to the pixels of the live chart.

    python benchmarks/live_latency.py [--steps 120] [--visitors 1]

It plays a worker (a run in the store, its lock held, steps written at random moments), opens the
Training page in headless Chromium, and notes for each step when the browser painted the frame that
shows it. Target: 1.5 s at the 95th percentile.
"""

import argparse
import fcntl
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Page, sync_playwright

from benchmarks.watching import RUN, frozen
from kobert_demo.runs import Runs
from tests.conftest import CHROMIUM_OPTIONS, PROJECT, App

PAUSE = 0.4  # seconds between two steps, on average
WATCH = """() => {
  window.painted = {}
  const look = () => {
    const x = document.querySelector('.js-plotly-plot')?.data?.[0]?.x ?? []
    const last = x[x.length - 1]
    // The data is there in this frame; it is on the screen when the next one begins.
    if (last !== undefined) requestAnimationFrame(() => {
      for (let step = last; step > 0 && !(step in window.painted); step--)
        window.painted[step] = Date.now() / 1000
    })
    requestAnimationFrame(look)
  }
  look()
}"""


def write_step(runs: Runs, step: int) -> float:
    """Append a step as a worker does and return the moment at which it was written."""
    row = {
        "step": step,
        "epoch": 1,
        "loss": 2 / step**0.3 + random.random() / 10,
        "accuracy": 0.5,
        "learning_rate": 5e-5,
        "grad_norm": 1.0,
        "sentences": 8 * step,
        "seconds": PAUSE * step,
    }
    runs.store.add_steps(RUN, [row])
    return time.time()


def measure(pages: list[Page], url: str, runs: Runs, steps: int) -> list[float]:
    """Return the seconds of each step from its write to its paint on the first page."""
    written = {1: write_step(runs, 1)}
    for page in pages:
        page.goto(f"{url}/training?run={RUN}")
        page.locator(".js-plotly-plot").first.wait_for(timeout=60_000)
    pages[0].evaluate(WATCH)
    for step in range(2, steps + 2):
        pages[0].wait_for_timeout(1000 * random.expovariate(1 / PAUSE))
        written[step] = write_step(runs, step)
    pages[0].wait_for_timeout(5000)
    painted = pages[0].evaluate("() => window.painted")
    return [painted[str(step)] - moment for step, moment in written.items() if step > 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--visitors", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        workspace = Path(folder) / "workspace"
        runs = Runs(workspace)
        runs.store.add(RUN, "latency", frozen(workspace)[0], steps=args.steps + 1)
        runs.store.claim(RUN, "cpu")
        runs.directory(RUN).mkdir(parents=True)
        lock = (runs.directory(RUN) / "worker.lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = App(PROJECT / "streamlit_app.py", workspace)
        app.start()
        chromium = driver.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM_OPTIONS
        )
        pages = [chromium.new_page() for _ in range(args.visitors)]
        seconds = measure(pages, app.url, runs, args.steps)
        chromium.close()
        app.stop()
    quantiles = statistics.quantiles(seconds, n=20)
    print(
        f"{len(seconds)} steps, {args.visitors} visitors: median {statistics.median(seconds):.2f} s, "
        f"95th percentile {quantiles[-1]:.2f} s, most {max(seconds):.2f} s"
    )


if __name__ == "__main__":
    main()
