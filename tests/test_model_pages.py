"""Models through the browser: KoBERT is downloaded and checked, a notebook's weights are brought."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from kobert_demo.dataset import detect_columns, parse, save_dataset
from kobert_demo.model_files import BUILT_IN, KOBERT
from kobert_demo.reading import detect_format
from kobert_demo.runs import Runs
from tests.conftest import PROJECT, App
from tests.families import kobert, notebook_state_dict
from tests.loopback_hub import LoopbackHub

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
SAMPLE = BUILT_IN.with_name("data") / "everyday.tsv"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackHub]:
    torch.manual_seed(0)
    directory = tmp_path_factory.mktemp("repository")
    kobert(directory)
    with LoopbackHub() as served:
        served.add(KOBERT, directory)
        yield served


@pytest.fixture(scope="module")
def app(hub: LoopbackHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with data in its workspace and nothing in its cache of models."""
    home = tmp_path_factory.mktemp("app")
    running = App(PROJECT / "streamlit_app.py", home / "workspace")
    running.workspace.mkdir()
    how = detect_format(SAMPLE)
    data = parse(SAMPLE, how, detect_columns(SAMPLE, how), name=SAMPLE.name)
    save_dataset(data, running.workspace)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(home / "huggingface"))
        patch.setenv("HF_ENDPOINT", hub.endpoint)
        patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        running.start()
    yield running
    running.stop()


def choose(page: "Page", model: str) -> None:
    box = page.get_by_role("combobox", name="모델").last
    box.click()
    box.fill(model)
    page.get_by_role("option", name=model, exact=True).click()


def test_kobert_is_downloaded_checked_and_trained(app: App, hub: LoopbackHub, page: "Page") -> None:
    page.goto(f"{app.url}/training")
    page.get_by_text("GPU를 찾지 못해 mini가 기본 모델입니다").wait_for()
    choose(page, KOBERT)
    page.get_by_text("모델이 아직 이 컴퓨터에 없습니다").wait_for()
    start = page.get_by_role("button", name="시작")
    assert start.count() == 0
    hub.delay = 2
    page.get_by_role("button", name="내려받기").click()
    page.get_by_role("button", name="취소").wait_for()
    hub.delay = 0
    page.get_by_text("KoBERT 아님").wait_for()
    page.get_by_text("공개된 KoBERT와 다릅니다").wait_for()
    page.get_by_text("KoBERT 아님").click()
    page.get_by_text("공개된 값은 4958 6855 2046 7088 1050 7843 54인데").wait_for()
    page.keyboard.press("Escape")
    start.click()
    page.get_by_text("everyday.tsv · kobert-base-v1").first.wait_for()
    (run,) = Runs(app.workspace).list()
    assert run.record["config"]["model"] == KOBERT
    assert run.record["revision"] == hub.repositories[KOBERT].commit
    Runs(app.workspace).stop(run.run)


def test_a_notebooks_weights_are_brought_and_answer(
    app: App, hub: LoopbackHub, page: "Page", tmp_path: Path
) -> None:
    names = ["공포", "놀람", "분노"]
    torch.save(notebook_state_dict(5), tmp_path / "wrong.pt")
    torch.save(notebook_state_dict(3), tmp_path / "<b>my.pt")
    page.goto(f"{app.url}/classification")
    page.get_by_text("노트북에서 학습한 모델 가져오기").click()
    upload = page.locator("input[type=file]")
    upload.set_input_files(tmp_path / "wrong.pt")
    labels = page.get_by_role("textbox", name="라벨")
    labels.fill(", ".join(names))
    labels.press("Enter")
    bring = page.get_by_role("button", name="가져오기", exact=True)
    page.wait_for_function(
        "() => [...document.querySelectorAll('button')].some("
        "b => b.innerText.trim() === '가져오기' && !b.disabled)"
    )
    bring.click()
    refusal = page.get_by_text("라벨 5개로 학습한 파일인데 3개가 주어졌습니다")
    refusal.wait_for()
    upload.set_input_files(tmp_path / "<b>my.pt")
    page.get_by_text("<b>my.pt").wait_for()
    refusal.wait_for(state="detached")  # the name is there before the upload is
    bring.click()
    page.wait_for_url("**classifier=2*")
    page.get_by_text("라벨별 확률").or_(page.get_by_text("모델이 읽은 것")).first.wait_for()
    run = Runs(app.workspace).list()[0]
    assert (run.status, run.name, run.record["labels"]) == ("imported", "<b>my.pt", names)


def test_a_model_is_taken_away(app: App, page: "Page") -> None:
    run = next(run for run in Runs(app.workspace).list() if run.status == "imported")
    page.goto(f"{app.url}/training?run={run.run}")
    page.get_by_role("button", name="모델 내보내기").click()
    with page.expect_download() as coming:
        page.get_by_role("button", name="zip 내려받기").click()
    assert coming.value.suggested_filename == f"{run.run}.zip"
    assert coming.value.path().read_bytes()[:2] == b"PK"
