"""Choose sentences and labels, see what is in them, and hand them to training."""

import streamlit as st

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import (
    DataChoice,
    Dataset,
    list_datasets,
    save_dataset,
    split,
    with_labels_of,
)
from kobert_demo.ui.dataset_form import names_form, read, reading_form
from kobert_demo.ui.dataset_report import Halves, report_view
from kobert_demo.ui.dataset_source import (
    choose_kept,
    choose_origin,
    dataset_slot,
    once,
    sample,
    uploaded,
)
from kobert_demo.ui.elements import page_header, say_errors
from kobert_demo.ui.session import t, workspace

SPLIT_SEED = 42
EXAMPLE = "sentence\tlabel\n오늘 정말 행복한 하루였어요\t행복\n약속이 취소돼서 너무 아쉬워요\t슬픔"

page_header(
    t("Dataset"),
    t("Choose sentences with their labels, and see what is in them before anything trains."),
    "table_view",
)
kept = list_datasets(workspace())
training_sample, test_sample = sample("sample.tsv"), sample("sample-test.tsv")


def choose_data() -> tuple[Dataset, dict[str, str], str]:
    """Return the data, the names given to its labels, and where it came from."""
    origins = {"upload": t("Upload a file")}
    if training_sample:
        origins["sample"] = t("Built-in sample")
    if kept:
        origins["kept"] = t("Used before")
    origin = choose_origin(t("Where the data comes from"), origins, "origin")
    if origin == "kept":
        return choose_kept(kept, "kept"), {}, origin
    source = uploaded("upload", t("File")) if origin == "upload" else training_sample
    if source is None:
        st.caption(t("A sentence and a label on each line, with a tab between them:"))
        st.code(EXAMPLE, language=None)
        st.stop()
    st.subheader(t("How the file is read"), anchor=False)
    reading = reading_form(source, "train")
    dataset = read(reading)
    names = names_form(dataset)
    return read(reading, names) if names else dataset, names, origin


def choose_test(dataset: Dataset, names: dict[str, str], origin: str) -> Halves:
    """Return training and test data: a part split off, or data of its own."""
    origins = {"split": t("Split off a part"), "upload": t("Second file")}
    if origin == "sample" and test_sample:
        origins = {"sample": t("Built-in test data"), **origins}
    if kept:
        origins["kept"] = t("Used before")
    chosen = choose_origin(t("Where the test data comes from"), origins, f"test of {origin}")
    if chosen == "split":
        return split_form(dataset)
    second = choose_kept(kept, "kept test") if chosen == "kept" else test_file(chosen, names)
    return Halves(dataset, with_labels_of(dataset.labels, second), second, 0.0, 0)


def split_form(dataset: Dataset) -> Halves:
    """Ask how much of the data to test with, and split it."""
    left, right = st.columns(2, wrap=False)
    percent = left.number_input(
        t("Share of the data (%)"), value=20, key="test percent", persist_state="session"
    )
    seed = right.number_input(
        t("Seed"), value=SPLIT_SEED, key="split seed", persist_state="session"
    )
    percent, seed = percent or 0, SPLIT_SEED if seed is None else seed
    TrainingConfig(seed=seed)  # says what is wrong with it
    return once(
        dataset_slot("split", dataset.id, percent, seed),
        lambda _: Halves(*split(dataset, percent / 100, seed), None, percent / 100, seed),
    )


def test_file(origin: str, names: dict[str, str]) -> Dataset:
    """Return the data of a file that is only tested with."""
    source = uploaded("upload test", t("Test file")) if origin == "upload" else test_sample
    if source is None:
        st.info(t("Choose the test file to see the report."), icon=":material/upload_file:")
        st.stop()
    with st.expander(t("How the test file is read"), icon=":material/tune:"):
        reading = reading_form(source, "test")
    return read(reading, names, least=1)


with say_errors():
    dataset, names, origin = choose_data()
    st.subheader(t("Test data"), anchor=False)
    halves = choose_test(dataset, names, origin)
    st.subheader(t("Pre-flight report"), anchor=False)
    report_view(dataset, halves)
    if st.button(t("Use this data"), type="primary", icon=":material/check:", key="use"):
        test = save_dataset(halves.second, workspace()) if halves.second else None
        train = save_dataset(dataset, workspace())
        st.session_state["data"] = DataChoice(train, test, halves.fraction, halves.seed)
        st.switch_page("pages/training.py")
