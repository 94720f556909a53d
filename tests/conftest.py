"""What the tests share: a workspace, the app as a real server, a real browser."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # threads of two processes wait for each other: twice as slow
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from kobert_demo.dataset import Dataset, detect_columns, parse
from kobert_demo.reading import detect_format
from tests.databases import KINDS, new_database

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from ray.cluster_utils import Cluster

    from kobert_demo.runs import Runs
    from kobert_demo.store import Run, RunStore

PROJECT = Path(__file__).parents[1]
COMMENTS = PROJECT.parent / "shared" / "data" / "emotions7-comments.tsv"
needs_comments = pytest.mark.skipif(not COMMENTS.is_file(), reason="../shared/data is not there")
START_SECONDS = 60
LONGEST = [
    f"test_{name}.py"
    for name in ("ray_worker", "ray_resume", "ray_scoring", "story", "scoring_page")
]
# A process for all tabs of a visitor: one for each tab begins with a second of work.
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage", "--process-per-site"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left alone with one at the end."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@dataclass
class App:
    """A `streamlit run` server of its own, with its own workspace and free port.

    Args:
        script: what it runs; `.streamlit/` and `static/` stand beside it.
        workspace: the directory for datasets and runs.
    """

    script: Path
    workspace: Path
    port: int = field(init=False)
    server: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def _log(self) -> Path:
        return self.workspace.with_name(f"{self.workspace.name}-server.log")

    def start(self) -> None:
        """Start the server, or start it again on the same port, and wait until it answers."""
        environment = {**os.environ, "KOBERT_DEMO_WORKSPACE": str(self.workspace)}
        with self._log.open("ab") as log:
            self.server = subprocess.Popen(
                [
                    *(sys.executable, "-m", "streamlit", "run", str(self.script)),
                    *("--server.port", str(self.port), "--server.fileWatcherType", "none"),
                ],
                cwd=self.script.parent,
                env={**environment, "PYTHONPATH": str(PROJECT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            assert self.server.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.1)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        """End the server as a service manager would."""
        if self.server:
            self.server.terminate()
            try:
                self.server.wait(10)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty directory for datasets and runs."""
    path = tmp_path / "workspace"
    path.mkdir()
    return path


@pytest.fixture(params=KINDS)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Where a new run store is kept, in each kind of database."""
    with new_database(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def store(where: Path | str) -> "Iterator[RunStore]":
    """A new run store in each kind of database."""
    from kobert_demo.store import RunStore

    found = RunStore(where)
    yield found
    found.close()


@pytest.fixture(scope="module")
def cluster() -> "Iterator[Cluster]":
    """A real Ray cluster of two nodes, for the tests of one file."""
    from tests.ray_cluster import two_nodes

    with two_nodes() as cluster:
        yield cluster


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs on this machine compute as the workers of the cluster do, to the last bit."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="module")
def still_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The directory of a tiny model without dropout of its own."""
    from tests.models import save_tiny_model, tiny_model  # imports torch

    still = tiny_model(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    return str(save_tiny_model(tmp_path_factory.mktemp("still"), still))


@pytest.fixture
def runs(tmp_path: Path) -> "Iterator[Runs]":
    """The runs of an empty workspace; no worker outlives the test."""
    from kobert_demo.runs import Runs

    found = Runs(tmp_path / "workspace")
    yield found
    for run in found.list():
        if run.active and run.pid:
            os.kill(run.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The directory of a tiny model, as a person might have one."""
    from tests.models import save_tiny_model  # imports torch

    return str(save_tiny_model(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="session")
def _mini_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not COMMENTS.is_file():
        pytest.skip("../shared/data is not there")
    from tests.models import train_mini  # imports torch

    return train_mini(tmp_path_factory.mktemp("mini"), COMMENTS)


@pytest.fixture
def mini_runs(_mini_runs: Path, workspace: Path) -> Path:
    """A workspace of the test's own with two runs of `mini`, trained on a few real comments."""
    return shutil.copytree(_mini_runs, workspace, dirs_exist_ok=True)


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., Dataset]:
    """Parse what stands in a file, as detected where the test says nothing."""

    def dataset(content, how=None, columns=None, **options):
        path = tmp_path / "file.tsv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        how = how or detect_format(path)
        return parse(path, how, columns or detect_columns(path, how), **options)

    return dataset


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Runs, Run]":
    """A finished run of `mini` on real comments; whoever changes it copies its workspace first."""
    from tests.evaluating import COMMENTS, train_mini

    if not COMMENTS.is_file():
        pytest.skip("../shared/data is not there")
    return train_mini(tmp_path_factory.mktemp("evaluated") / "workspace")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app itself, running; the tests of one module share it and its workspace."""
    running = App(PROJECT / "streamlit_app.py", tmp_path_factory.mktemp("app") / "workspace")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Headless Chromium: Debian's, else Playwright's own; without either, the test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        path = shutil.which("chromium")
        try:
            chromium = driver.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        except playwright.Error as error:
            pytest.skip(f"no browser: {str(error).splitlines()[0]}")
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def visitor(browser: "Browser") -> "Iterator[BrowserContext]":
    """A Korean visitor at a desktop screen; the tabs of all tests share its cache."""
    with browser.new_context(locale="ko-KR", viewport={"width": 1440, "height": 1000}) as context:
        context.set_default_timeout(30_000)
        yield context


@pytest.fixture
def page(visitor: "BrowserContext") -> "Iterator[Page]":
    """A new tab. The first of all stays, emptied, and with it the process that draws the others."""
    tab = visitor.new_page()
    yield tab
    if len(visitor.pages) > 1:
        tab.close()
    else:
        tab.goto("about:blank")


def choose_language(page: "Page", language: str) -> None:
    """Switch the language in the sidebar; `language` is `한국어` or `English`."""
    page.get_by_test_id("stSidebar").get_by_text(language, exact=True).click()
    code = {"한국어": "ko", "English": "en"}[language]
    page.wait_for_function(
        "code => document.querySelector(`[data-testid=stSidebarNav]`)"
        ".innerText.includes({ko: '홈', en: 'Home'}[code])",
        arg=code,
    )
