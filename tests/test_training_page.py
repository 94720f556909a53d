"""The Training page: the form of a new run, and the run that stands below it."""

import fcntl
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kobert_demo.config import SETTINGS, TrainingConfig, preset
from kobert_demo.dataset import DataChoice, detect_columns, load_choice, parse, save_dataset
from kobert_demo.device import Device
from kobert_demo.errors import ConfigError
from kobert_demo.language import Message
from kobert_demo.model_files import find_model
from kobert_demo.reading import detect_format
from kobert_demo.runs import freeze
from kobert_demo.store import RunStore
from kobert_demo.ui import model_choice, training_form
from kobert_demo.ui.elements import plain
from kobert_demo.ui.training_form import checked
from tests.conftest import PROJECT
from tests.models import save_tiny_model


@pytest.fixture
def page(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app of an English visitor who has opened the form of a new run."""
    monkeypatch.setenv("KOBERT_DEMO_WORKSPACE", str(workspace))
    monkeypatch.setattr(model_choice, "probe_elsewhere", lambda: Device("cpu", "", 2, 1e9))
    st.cache_resource.clear()
    app = AppTest.from_file(PROJECT / "streamlit_app.py", default_timeout=60)
    app.session_state["lang"] = "en"
    app.session_state["new run"] = True
    return app


def open_training(app: AppTest) -> AppTest:
    app.run()
    app.switch_page("pages/training.py").run()
    assert not app.exception, [element.value for element in app.exception]
    return app


def keep(workspace: Path, name: str, ending: str = "") -> str:
    """Keep a dataset of 18 sentences and return its id."""
    path = workspace / name
    rows = "".join(f"기뻐요 {i}{ending}\t행복\n슬퍼요 {i}{ending}\t슬픔\n" for i in range(9))
    path.write_text(f"sentence\tlabel\n{rows}", encoding="utf-8")
    how = detect_format(path)
    return save_dataset(parse(path, how, detect_columns(path, how), name=name), workspace)


def finished(workspace: Path, choice: DataChoice, run: str, accuracy: float = 0.9) -> None:
    """Record a run of one step as it stands when it has ended."""
    train, test = load_choice(workspace, choice)
    record = freeze(choice, TrainingConfig(), train, test, find_model("mini"))
    store = RunStore(workspace / "runs.sqlite")
    store.add(run, f"{train.name} · mini", record, steps=1)
    store.claim(run, "cpu")
    figures = {"step": 1, "epoch": 1, "loss": 1.0, "accuracy": 0.5}
    speed = {"learning_rate": 1e-4, "grad_norm": 1.0, "sentences": 8, "seconds": 1.0}
    store.add_steps(run, [{**figures, **speed}])
    store.add_evaluation(
        run, {**figures, "accuracy": accuracy, "macro_f1": 0.4, "confusion": [[1, 2], [3, 4]]}
    )
    store.set_bundle(run, "bundle")
    store.end(run, "finished")


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


def data_of(app: AppTest) -> str:
    return next(str(box.value) for box in app.selectbox if box.label == "Data")


def test_all_that_is_wrong_with_the_numbers_is_said_together() -> None:
    with pytest.raises(ConfigError) as caught:
        checked("mini", {"epochs": 1.5, "batch_size": 0.0, "learning_rate": 2.0})
    assert str(caught.value) == (
        "Epochs is 1.5: give a whole number. "
        "Batch size is 0: give a number from 1 to 4096. "
        "Learning rate is 2.0: give a number from 1e-08 to 1."
    )


def test_numbers_reach_the_settings_as_they_are_typed() -> None:
    config = checked("mini", {"epochs": 3.0, "learning_rate": 1e-4, "seed": float(2**32 - 1)})
    assert config == TrainingConfig(epochs=3, learning_rate=1e-4, seed=2**32 - 1)
    assert isinstance(config.epochs, int)


def test_a_run_does_not_start_with_a_number_that_is_out_of_its_limits(
    page: AppTest, workspace: Path
) -> None:
    keep(workspace, "a.tsv")
    open_training(page)
    assert page.button(key="start")
    page.number_input(key="setting_epochs").set_value(0.0).run()
    said = plain("Epochs is 0: give a number from 1 to 1000.")
    assert [error.value for error in page.error] == [said]
    assert "start" not in [button.key for button in page.button]
    page.number_input(key="setting_epochs").set_value(2.0).run()
    assert page.button(key="start")


def test_a_model_fills_in_its_own_values_and_leaves_what_the_person_chose(
    page: AppTest, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(workspace, "a.tsv")
    other = str(save_tiny_model(tmp_path / "tiny"))
    monkeypatch.setattr(model_choice, "ENCODERS", ("mini", other))  # tests cannot type a new one

    def shown(*names: str) -> list[float | None]:
        return [page.number_input(key=f"setting_{name}").value for name in names]

    def of_preset(model: str, *names: str) -> list[float]:
        return [getattr(preset(model), name) for name in names]

    open_training(page)
    assert shown(*SETTINGS) == of_preset("mini", *SETTINGS)
    page.number_input(key="setting_epochs").set_value(9.0).run()
    page.selectbox(key="model").set_value(other).run()
    rest = [name for name in SETTINGS if name != "epochs"]
    assert (shown("epochs"), shown(*rest)) == ([9.0], of_preset(other, *rest))
    page.switch_page("pages/home.py").run()
    page.switch_page("pages/training.py").run()
    assert (shown("epochs"), shown(*rest)) == ([9.0], of_preset(other, *rest))
    page.number_input(key="setting_epochs").set_value(None).run()
    page.selectbox(key="model").set_value("mini").run()
    assert shown(*SETTINGS) == of_preset("mini", *SETTINGS)
    assert not page.warning


def test_the_form_says_how_the_test_data_is_split_off(page: AppTest, workspace: Path) -> None:
    keep(workspace, "a.tsv")
    open_training(page)
    said = "The test sentences are 22% of the data, split off with seed 42."  # 4 of 18
    assert said in captions(page)


def test_the_data_of_the_last_run_is_offered_again(page: AppTest, workspace: Path) -> None:
    train, test = keep(workspace, "train.tsv"), keep(workspace, "test.tsv", " 정말")
    finished(workspace, DataChoice(train, test, 0.0, 0), "a")
    open_training(page)
    assert data_of(page) == train
    assert "The test sentences are those of test\\.tsv" in captions(page)
    facts = page.dataframe[0].value.set_index("Setting")["Value"]
    assert facts["Test data"] == "test.tsv"
    assert len(facts["SHA-256 of the test data"]) == 64
    assert facts["Learning rate"] == "5e-05"


def test_what_a_run_went_through_stays_on_its_page(page: AppTest, workspace: Path) -> None:
    finished(workspace, DataChoice(keep(workspace, "a.tsv"), None, 0.2, 0), "a")
    assert not open_training(page).warning
    lost = "The Ray cluster lost a worker or a machine of this run at step {lost}: it went on from step "
    notice = Message(f"{lost}{{step}}.", {"lost": 7, "step": 4})
    RunStore(workspace / "runs.sqlite").set_notice("a", notice)
    assert [warning.value for warning in page.run().warning] == [plain(str(notice))]
    page.session_state["lang"] = "ko"
    assert [warning.value for warning in page.run().warning] == [plain(notice.in_language("ko"))]


def test_missing_weights_are_said(
    page: AppTest, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(workspace, "a.tsv")
    random = "starts from random weights"

    def with_weights(weights: Path | None) -> None:
        files = find_model("mini")
        found: Any = replace(files, weights=weights)
        monkeypatch.setattr(training_form, "find_model", lambda name: found)

    with_weights(None)
    assert random in captions(open_training(page))
    with_weights(Path("model.safetensors"))
    assert random not in captions(page.run())


@pytest.mark.parametrize(("accuracy", "warned"), [(0.5, True), (0.51, False)])
def test_a_model_that_learnt_nothing_is_not_called_a_success(
    page: AppTest, workspace: Path, accuracy: float, warned: bool
) -> None:
    finished(workspace, DataChoice(keep(workspace, "a.tsv"), None, 0.2, 1), "a", accuracy)
    open_training(page)
    said = [warning.value for warning in page.warning]
    assert any("no better than always answering" in text for text in said) == warned


def test_one_button_leads_on(page: AppTest, workspace: Path) -> None:
    finished(workspace, DataChoice(keep(workspace, "a.tsv"), None, 0.2, 1), "a")
    open_training(page)
    kinds = {button.key: button.proto.type for button in page.button}
    assert (kinds["start"], kinds["to_classification"]) == ("primary", "secondary")


def test_a_run_that_is_gone_is_not_replaced_silently(page: AppTest, workspace: Path) -> None:
    finished(workspace, DataChoice(keep(workspace, "a.tsv"), None, 0.2, 1), "a")
    page.run()
    page.switch_page("pages/training.py")
    page.query_params["run"] = "../../x"
    page.run()
    said = f"{plain('../../x')} is not here any more: showing another one."
    assert [warning.value for warning in page.warning] == [said]
    assert page.selectbox(key="run").value == "a"


def test_a_reload_keeps_the_data_that_was_chosen(page: AppTest, workspace: Path) -> None:
    finished(workspace, DataChoice(keep(workspace, "old.tsv"), None, 0.2, 1), "a")
    chosen = DataChoice(keep(workspace, "new.tsv", " 정말"), None, 0.3, 7)
    page.session_state["data"] = chosen
    open_training(page)
    address = page.query_params["data"]
    del page.session_state["data"]
    page.query_params["data"] = address
    page.run()
    assert data_of(page) == chosen.train
    assert "split off with seed 7" in captions(page)
    page.query_params["data"] = "../../etc/passwd"
    assert not page.run().exception


def test_home_watches_the_run_that_trains(page: AppTest, workspace: Path) -> None:
    choice = DataChoice(keep(workspace, "a.tsv"), None, 0.2, 1)
    train, test = load_choice(workspace, choice)
    record = freeze(choice, TrainingConfig(), train, test, find_model("mini"))
    store = RunStore(workspace / "runs.sqlite")
    with ExitStack() as locks:
        for run in ("trains", "waits"):
            store.add(run, run, record, steps=1)
            lock = workspace / "runs" / run / "worker.lock"
            lock.parent.mkdir(parents=True)
            fcntl.flock(locks.enter_context(lock.open("w")), fcntl.LOCK_EX)
        store.claim("trains", "cpu")
        page.run()
        page.button(key="step 2").click().run()
    assert page.query_params["run"] == "trains"


def test_home_opens_the_model_that_it_shows(page: AppTest, workspace: Path) -> None:
    choice = DataChoice(keep(workspace, "a.tsv"), None, 0.2, 1)
    finished(workspace, choice, "better", accuracy=0.99)
    finished(workspace, choice, "newer", accuracy=0.6)
    page.run()
    assert captions(page).count("Accuracy 60.0%") == 2
    page.button(key="step 3").click().run()
    assert page.query_params["classifier"] == "newer"
