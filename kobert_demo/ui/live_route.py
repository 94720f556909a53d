"""What open pages ask the server by themselves: which runs go on (`/live`), and how one does (`/live/RUN`).

To run a fragment again and again (`st.fragment(run_every=...)`) costs the server several times as much as
to read the few rows that are new. So a page is drawn once; its components ask these routes (`poll.js`), put
what is new in its place, and have the page drawn anew where more has changed. All pages ask at the same
moments, so that those who look at one run share an answer.
"""

import json
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kobert_demo.errors import KobertDemoError, RunError
from kobert_demo.language import LANGUAGES
from kobert_demo.live import CHARTS, curves, look
from kobert_demo.runs import Runs
from kobert_demo.ui.session import base_path, workspace

POLL = Path(__file__).with_name("poll.js").read_text(encoding="utf-8")
SHARED = 0.25  # seconds for which one answer serves all who ask the same
Answer = tuple[int, str]  # status and content


def live_url(run: str = "") -> str:
    """Return the path, from the server's root, at which the browser asks about all runs, or about one."""
    return f"{base_path()}/live{run and '/'}{run}"


def live_routes() -> list[Route]:
    """Return the routes, below the path that the app is served at (`server.baseUrlPath`)."""

    one = anyio.CapacityLimiter(1)  # at a time: who asks meanwhile finds the answer ready

    def route(path: str, answer: Callable[[str, str, int], Answer]) -> Route:
        async def respond(request: Request) -> Response:
            asked = (request.path_params.get("run", ""), str(request.query_params))
            moment = int(time.time() / SHARED)
            status, content = await anyio.to_thread.run_sync(answer, *asked, moment, limiter=one)
            return Response(content, status, headers={"Cache-Control": "no-store"})

        return Route(path, respond)

    return [route(live_url(), _active), route(live_url("{run}"), _looked)]


@lru_cache(maxsize=1)
def _active(_run: str, _query: str, _moment: int) -> Answer:
    try:
        return 200, " ".join(sorted(active_runs(Runs(workspace()))))
    except KobertDemoError:
        return 503, ""


def active_runs(runs: Runs) -> set[str]:
    """Return the ids of the runs that wait or train, and whose workers live."""
    return {run for run in runs.store.active() if runs.get(run).active}


@lru_cache(maxsize=64)
def _looked(run: str, query: str, _moment: int) -> Answer:
    """Answer `?language=en&loss=7,4&accuracy=7,4,4`: a step for each line of the charts that are named.

    200 with what is new past these steps, as JSON; 404 where the run is gone, 400 for what no page asks.
    """
    asked = dict(parse_qsl(query))
    language = asked.pop("language", "")
    try:
        after = {chart: [int(step) for step in steps.split(",")] for chart, steps in asked.items()}
        fits = all(len(steps) == len(CHARTS[chart]) for chart, steps in after.items())
    except (KeyError, ValueError):
        fits = False
    if not fits or language not in LANGUAGES:
        return 400, ""
    runs = Runs(workspace())
    try:
        new = {**look(runs, runs.get(run), language), "charts": curves(runs, run, after)}
    except RunError:
        return 404, ""
    return 200, json.dumps(new, ensure_ascii=False)
