"""The Evaluation page: on a real run of `mini`, on other files, with a temperature, with 200 labels."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kobert_demo.bundle import read_record, save_bundle
from kobert_demo.evaluation.scoring import compute_logits, scored
from kobert_demo.runs import Runs
from kobert_demo.scaling import temperature_of
from kobert_demo.store import Run
from kobert_demo.ui import evaluation_source
from kobert_demo.ui.elements import plain
from tests.conftest import PROJECT
from tests.evaluating import write_part
from tests.models import tiny_model, vocabulary

IMPORTED = "20260101-000000-abcd"
Open = Callable[..., AppTest]


@pytest.fixture
def copied(workspace: Path, evaluated: tuple[Runs, Run]) -> tuple[Runs, Run]:
    """The run in a workspace of its own."""
    shutil.copytree(evaluated[0].workspace, workspace, dirs_exist_ok=True)
    return Runs(workspace), evaluated[1]


@pytest.fixture
def open_page(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a page as an English visitor."""
    monkeypatch.setenv("KOBERT_DEMO_WORKSPACE", str(workspace))
    st.cache_resource.clear()

    def open_page(page: str = "evaluation", **query: str) -> AppTest:
        app = AppTest.from_file(PROJECT / "streamlit_app.py", default_timeout=120)
        app.session_state["lang"] = "en"
        app.run()
        for name, value in query.items():
            app.query_params[name] = value
        return look(app.switch_page(f"pages/{page}.py").run())

    return open_page


def look(page: AppTest) -> AppTest:
    assert not page.exception, [element.value for element in page.exception]
    return page


def said(page: AppTest) -> str:
    kinds = ("markdown", "caption", "success", "warning", "error", "info")
    return "\n".join(str(element.value) for kind in kinds for element in page.get(kind))


def add_imported(runs: Runs, labels: list[str], name: str = "notebook.pt") -> None:
    """Add a run of a tiny random model that was brought from elsewhere, without data."""
    record = {"config": {"model": "mini", "max_length": 24, "epochs": 1}, "labels": labels}
    record |= {"imported": {"sha256": "0" * 64}, "vocabulary_sha256": "1" * 64, "versions": {}}
    model = tiny_model(labels=len(labels))
    model.config.id2label = dict(enumerate(labels))
    save_bundle(runs.directory(IMPORTED) / "bundle-0", model, vocabulary(), record, None)
    runs.store.add_imported(IMPORTED, name, record, "bundle-0")


def test_without_a_model_the_page_leads_to_training(open_page: Open) -> None:
    page = open_page()
    assert "no trained model to evaluate yet" in said(page)
    assert [button.label for button in page.button] == ["Train a model"]


def test_the_answer_comes_first_and_the_figures_are_those_of_the_run(
    open_page: Open, copied: tuple[Runs, Run]
) -> None:
    runs, run = copied
    page = open_page()
    _, test = runs.data(run.run)
    bundle = runs.bundle(run.run)
    scores = scored(bundle, test, compute_logits(bundle, test))
    accuracy = (scores.predicted == scores.true).mean()
    text = said(page)
    assert plain(f"Right on {accuracy:.1%} of 280 sentences") in text
    assert "always answering" in text
    assert plain("TF-IDF with logistic regression") in text
    assert "commonest mistake" in text
    assert "chosen on these same sentences" in text
    metrics = {metric.label: metric.value for metric in page.metric}
    assert metrics["Accuracy"] == f"{accuracy:.3f}"
    assert page.query_params["evaluated"] == run.run
    tables = [table.value for table in page.dataframe]
    assert (tables[0].to_numpy() == scores.counts).all()
    assert list(tables[1]["support"]) == list(scores.counts.sum(1))
    assert (tables[2]["label"] != tables[2]["predicted"]).all()
    assert tables[2]["confidence"].is_monotonic_decreasing
    assert len(page.get("plotly_chart")) == 3


def test_a_cell_may_be_a_share_of_its_row(open_page: Open, copied: tuple[Runs, Run]) -> None:
    page = open_page()
    page.segmented_control(key="matrix cells").set_value("shares").run()
    shares = look(page).dataframe[0].value.to_numpy()
    assert shares.sum(1) == pytest.approx(100)


def test_sentences_are_filtered_sorted_and_searched(
    open_page: Open, copied: tuple[Runs, Run]
) -> None:
    page = open_page()
    page.selectbox(key="browser order").set_value("longest").run()
    assert page.dataframe[2].value["length"].is_monotonic_decreasing
    page.toggle(key="browser wrong").set_value(False).run()
    page.selectbox(key=f"browser true {copied[1].run}").set_value(2).run()
    page.selectbox(key=f"browser predicted {copied[1].run}").set_value(2).run()
    found = look(page).dataframe[2].value
    assert set(found["label"]) == set(found["predicted"]) == {"분노"}
    word = found["sentence"].iloc[0].split()[0]
    page.text_input(key="browser text").set_value(word).run()
    assert all(word in sentence for sentence in look(page).dataframe[2].value["sentence"])
    page.text_input(key="browser text").set_value("없는문장없는문장").run()
    assert "0 sentences." in said(look(page))


def test_one_click_makes_the_confidence_honest_everywhere_and_can_be_taken_back(
    open_page: Open, copied: tuple[Runs, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, run = copied
    page = open_page()
    before = runs.bundle(run.run)
    label = page.button(key="scale").label
    errors = [float(metric.value) for metric in page.metric][-2:]
    assert errors[1] < errors[0]
    monkeypatch.setattr(evaluation_source, "compute_logits", lambda *_: pytest.fail("anew"))
    page.button(key="scale").click().run()
    bundle = runs.bundle(run.run)
    temperature = temperature_of(bundle)
    assert bundle != before
    assert label == f"Make confidence honest: temperature {temperature:.3g}"
    assert f"has the temperature **{temperature:.3g}**" in said(look(page))
    assert [float(metric.value) for metric in page.metric][-2:] == errors
    assert read_record(bundle)["temperature_fit"]["rows"] == 280
    _, test = runs.data(run.run)
    fresh = compute_logits(bundle, test)
    kept = evaluation_source.logits_slot(str(bundle), test.sha256)["result"]
    assert kept == pytest.approx(fresh, abs=1e-3)

    classification = open_page("classification", classifier=run.run)
    assert f"scaled with the temperature {temperature:.3g}" in said(classification)
    page.button(key="unscale").click().run()
    assert temperature_of(runs.bundle(run.run)) == 1
    assert "has the temperature" not in said(look(page))


def test_the_ready_made_models_temperature_is_shown(open_page: Open) -> None:
    assert "scaled with the temperature" in said(open_page("classification"))


def test_another_file_is_evaluated_and_what_it_lacks_is_said(
    open_page: Open, copied: tuple[Runs, Run], tmp_path: Path
) -> None:
    page = open_page()
    origin = f"evaluated on {True}"
    page.segmented_control(key=origin).set_value("upload").run()
    assert "Choose a file" in said(look(page))
    path = write_part(tmp_path / "other.tsv", first=2_000, rows=60)
    text = path.read_text(encoding="utf-8") + "모르는 라벨\t새것\n"
    page.file_uploader(key="evaluated file").upload("other.tsv", text.encode()).run()
    assert "of 60 sentences" in said(look(page))
    assert "1 rows are left out" in said(page)
    assert "chosen on these same sentences" not in said(page)
    other = "sentence\tlabel\n하나\tx\n둘\ty\n셋\tx\n넷\ty\n"
    page.file_uploader(key="evaluated file").upload("labels.tsv", other.encode()).run()
    assert [error.value for error in look(page).error] == [
        plain(
            "No test sentence has a label of the training data: choose the test data that belongs to it."
        )
    ]


def test_sentences_that_were_trained_on_are_called_so(
    open_page: Open, copied: tuple[Runs, Run], tmp_path: Path
) -> None:
    page = open_page()
    page.segmented_control(key=f"evaluated on {True}").set_value("upload").run()
    content = write_part(tmp_path / "part.tsv").read_bytes()
    page.file_uploader(key="evaluated file").upload("part.tsv", content).run()
    assert "of these sentences were trained on" in said(look(page))
    assert page.button(key="scale").disabled


def test_an_imported_run_needs_a_file_and_has_one_baseline(
    open_page: Open, workspace: Path
) -> None:
    add_imported(Runs(workspace), ["행복", "분노"])
    page = open_page()
    assert "another file is needed" in said(page)
    rows = "".join(f"기뻐요 {i}\t행복\n화나요 {i}\t분노\n" for i in range(20))
    page.file_uploader(key="evaluated file").upload("a.tsv", f"s\tl\n{rows}".encode()).run()
    assert "of 40 sentences" in said(look(page))
    assert "no TF-IDF baseline" in said(page)
    assert len(page.get("plotly_chart")) == 2


def test_two_hundred_labels_fit(open_page: Open, workspace: Path) -> None:
    labels = [f"라벨 {number}" for number in range(200)]
    add_imported(Runs(workspace), labels)
    page = open_page()
    rows = "".join(f"문장 {i} 번째\t라벨 {i % 200}\n" for i in range(600))
    page.file_uploader(key="evaluated file").upload("a.tsv", f"s\tl\n{rows}".encode()).run()
    matrix = look(page).dataframe[1]  # the first is the sample of the file
    assert matrix.value.shape == (200, 200)
    assert matrix.value.to_numpy().sum() == 600


def test_a_sentence_in_the_address_is_classified_once(open_page: Open) -> None:
    hostile = "<b>정말</b> **화난다** [x](https://example.org)\n둘째 줄"
    page = open_page("classification", text=hostile)
    area = page.text_area(key="sentences")
    assert area.value == hostile  # its lines are two sentences
    assert "text" not in page.query_params
    area.set_value("행복해요").run()
    assert look(page).text_area(key="sentences").value == "행복해요"


def test_a_run_leads_to_its_evaluation(open_page: Open, copied: tuple[Runs, Run]) -> None:
    page = open_page("training", run=copied[1].run)
    page.button(key="to_evaluation").click().run()
    assert look(page).title[0].value.endswith("Evaluation")
    assert page.query_params["evaluated"] == copied[1].run


@pytest.mark.parametrize("first", ["dataset", "evaluation"])
def test_what_one_page_has_counted_is_understood_by_the_other(
    open_page: Open, copied: tuple[Runs, Run], first: str
) -> None:
    def open_dataset() -> None:
        page = look(open_page("dataset").segmented_control(key="origin").set_value("kept").run())
        page.number_input(key="test percent").set_value(40)
        page = look(page.number_input(key="split seed").set_value(3).run())
        assert "rows can be used" in said(page)

    if first == "dataset":
        open_dataset()
    assert "of 280 sentences" in said(open_page(evaluated=copied[1].run))
    if first == "evaluation":
        open_dataset()
