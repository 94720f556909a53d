"""Choose sentences and labels, see what is in them, and hand them to training."""

import streamlit as st

from kobert_demo.dataset import (
    DataChoice,
    Dataset,
    list_datasets,
    load_dataset,
    save_dataset,
    split,
    with_labels_of,
)
from kobert_demo.ui.dataset_form import names_form, read, reading_form
from kobert_demo.ui.dataset_report import Halves, report_view
from kobert_demo.ui.dataset_source import Source, dataset_slot, once, sample, uploaded
from kobert_demo.ui.elements import page_header, say_errors
from kobert_demo.ui.session import t, workspace

EXAMPLE = "sentence\tlabel\n오늘 정말 행복한 하루였어요\t행복\n약속이 취소돼서 너무 아쉬워요\t슬픔"
ORIGINS = {
    "upload": t("Upload a file"),
    "sample": t("Built-in sample"),
    "kept": t("Used before"),
}
TESTS = {
    "split": t("Split off a part"),
    "sample": t("Built-in test data"),
    "upload": t("Second file"),
    "kept": t("Used before"),
}

page_header(
    t("Dataset"),
    t("Choose sentences with their labels, and see what is in them before anything trains."),
    "table_view",
)
kept = {summary.id: summary for summary in list_datasets(workspace())}
training_sample, test_sample = sample("sample.tsv"), sample("sample-test.tsv")


def choose_origin(label: str, options: list[str], names: dict[str, str], key: str) -> str:
    """Show where data can come from, if there is more than one way, and return what was chosen."""
    if len(options) == 1:
        return options[0]
    return st.segmented_control(
        label,
        options,
        format_func=names.__getitem__,
        key=key,
        default=options[0],
        required=True,
        persist_state="session",
    )


def choose_kept(key: str) -> Dataset:
    """Show the datasets of the workspace and return the one that was chosen."""
    chosen = st.selectbox(
        t("Dataset"),
        list(kept),
        format_func=lambda id: t(
            "{name} · {rows} sentences · {labels} labels · {date}",
            name=kept[id].name,
            rows=f"{kept[id].usable:,}",
            labels=len(kept[id].labels),
            date=kept[id].created[:10],
        ),
        key=key,
        persist_state="session",
    )
    return once(
        dataset_slot(chosen),
        t("Reading the file …"),
        0,
        lambda _: load_dataset(workspace(), chosen),
    )


def choose_data() -> tuple[Dataset, dict[str, str], str]:
    """Return the data, the names given to its labels, and where it came from."""
    options = ["upload", *["sample"] * bool(training_sample), *["kept"] * bool(kept)]
    origin = choose_origin(t("Where the data comes from"), options, ORIGINS, "origin")
    if origin == "kept":
        return choose_kept("kept"), {}, origin
    source = uploaded("upload", t("File")) if origin == "upload" else training_sample
    if source is None:
        st.caption(t("A sentence and a label on each line, with a tab between them:"))
        st.code(EXAMPLE, language=None)
        st.stop()
    st.subheader(t("How the file is read"), anchor=False)
    reading = reading_form(source)
    dataset = read(reading)
    names = names_form(dataset)
    return read(reading, names) if names else dataset, names, origin


def choose_test(dataset: Dataset, names: dict[str, str], origin: str) -> Halves:
    """Return training and test data: a part split off, or data of its own."""
    has_sample = origin == "sample" and test_sample
    options = [*["sample"] * bool(has_sample), "split", "upload", *["kept"] * bool(kept)]
    kind = choose_origin(t("Where the test data comes from"), options, TESTS, f"test of {origin}")
    left, right = st.columns(2, wrap=False)
    if kind == "split":
        fraction = left.number_input(
            t("Share of the data (%)"), 1, 90, 20, key="test percent", persist_state="session"
        )
        seed = right.number_input(
            t("Seed"), 0, 2**31, 42, key="split seed", persist_state="session"
        )
        return Halves(*split(dataset, fraction / 100, seed), None, fraction / 100, seed)
    if kind == "kept":
        second = choose_kept("kept test")
    else:
        source = uploaded("upload test", t("Test file")) if kind == "upload" else test_sample
        second = read_test(source, names)
    return Halves(dataset, with_labels_of(dataset, second), second, 0.0, 0)


def read_test(source: Source | None, names: dict[str, str]) -> Dataset:
    if source is None:
        st.info(t("Choose the test file to see the report."), icon=":material/upload_file:")
        st.stop()
    with st.expander(t("How the test file is read"), icon=":material/tune:"):
        reading = reading_form(source)
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
