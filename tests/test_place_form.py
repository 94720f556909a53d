"""The fields of the Training page that say where a run trains."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from kobert_demo.device import Device
from kobert_demo.place import Place
from kobert_demo.runs import Runs
from kobert_demo.ui import model_choice
from kobert_demo.ui.elements import plain
from tests.test_training_page import captions, keep, open_training, page

__all__ = ["page"]  # the fixture


@pytest.mark.parametrize(("kind", "label"), [("cpu", "Processes"), ("cuda", "GPUs")])
def test_the_form_asks_how_many_share_a_run(
    page: AppTest, workspace: Path, monkeypatch: pytest.MonkeyPatch, kind: str, label: str
) -> None:
    found = Device(kind, "", 2, 1e9, count=3)
    monkeypatch.setattr(model_choice, "probe_elsewhere", lambda: found)
    launched = []
    monkeypatch.setattr(Runs, "launch", lambda *_, place, **__: launched.append(place))
    keep(workspace, "a.tsv")
    open_training(page)
    page.selectbox(key="model").set_value("mini").run()
    box = page.selectbox(key="processes")
    assert (box.label, box.options, box.value) == (label, ["1", "2", "3"], 1)
    box.set_value(3).run()
    page.button(key="start").click().run()
    assert launched == [Place(3)]


def test_one_device_is_nothing_to_ask_about(page: AppTest, workspace: Path) -> None:
    keep(workspace, "a.tsv")
    open_training(page)
    assert not [box for box in page.selectbox if box.key == "processes"]


def test_the_fields_of_a_cluster_appear_where_one_is_chosen(
    page: AppTest, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOBERT_DEMO_RAY_ADDRESS", "10.0.0.1:6379")
    launched = []
    monkeypatch.setattr(Runs, "launch", lambda *_, place, **__: launched.append(place))
    keep(workspace, "a.tsv")
    open_training(page)
    assert "ray address" not in [field.key for field in page.text_input]
    page.segmented_control(key="run on").set_value("ray").run()
    assert page.text_input(key="ray address").value == "10.0.0.1:6379"
    assert "Trains on the Ray cluster at " + plain("10.0.0.1:6379") in captions(page)
    page.text_input(key="ray address").set_value("10.0.0.2:6379").run()
    page.number_input(key="ray workers").set_value(4).run()
    page.selectbox(key="ray gpus").set_value(1).run()
    page.checkbox(key="ray waits").uncheck().run()
    page.text_input(key="storage").set_value("nosuch://bucket").run()
    assert [plain("nosuch://bucket") in error.value for error in page.error] == [True]
    page.text_input(key="storage").set_value(str(workspace / "there")).run()
    page.button(key="start").click().run()
    there = f"file://{workspace}/there"
    assert launched == [Place(4, "10.0.0.2:6379", 1, there, waits=False)]
