"""How a file is read: what was detected, beside a decoded sample, and each of it to be changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import pandas as pd
import streamlit as st

from kobert_demo.charset import ENCODINGS
from kobert_demo.columns import NUMBER
from kobert_demo.dataset import Columns, Dataset, detect_columns, parse
from kobert_demo.language import Message
from kobert_demo.reading import (
    DELIMITERS,
    UNDECODABLE,
    Format,
    Record,
    column_names,
    detect_format,
    sample,
)
from kobert_demo.ui.dataset_source import Source, dataset_slot, once
from kobert_demo.ui.session import language, t

ENCODING_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 BOM",
    "utf-16": "UTF-16 BOM",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "cp949": "CP949",
}
DELIMITER_NAMES = {"\t": Message("Tab"), ",": Message("Comma"), ";": Message("Semicolon")}
SAMPLE_ROWS = 9
MOST_COLUMNS, MOST_CHARACTERS = 20, 1_000
FEW_CHARACTERS = 10  # fit into a narrow column
MOST_NAMED = 50  # more labels than a person names by hand

Option = TypeVar("Option", str, int, bool)


@dataclass(frozen=True)
class Reading:
    """A file and how it is read."""

    source: Source
    format: Format
    columns: Columns


def reading_form(source: Source, use: str) -> Reading:
    """Show how the file is read, let the person change it, and return what was decided.

    Args:
        use: what the file is for; the same file may be used for two things.

    Raises:
        DataError: the file is not text, or has fewer than two columns as it is read now.
    """
    settings, shown = st.columns([2, 3], gap="medium")
    with settings:
        how = format_form(f"{use} {source.path.name}", detected_format(source.path))
    with shown:
        show_sample(source, how)
    with settings:
        columns = _columns_form(source, how, use)
    return Reading(source, how, columns)


def read(reading: Reading, names: Mapping[str, str] | None = None, least: int = 2) -> Dataset:
    """Return the data of a file, read only once.

    Args:
        names: readable names for labels.
        least: how many rows a label needs: 2 to train, 1 to test only.

    Raises:
        DataError: nothing in the file can be used as it is read.
    """
    source, names = reading.source, names or {}
    return once(
        dataset_slot(repr((reading, sorted(names.items()), least))),
        lambda show: parse(
            source.path, reading.format, reading.columns, names, show, source.name, least
        ),
        t("Reading the file …"),
        source.path.stat().st_size,
    )


# A path says all about the file behind it: uploads are named by their content.
_kept = st.cache_data(show_spinner=False, max_entries=20)
detected_format = _kept(detect_format)
_detected_columns = _kept(detect_columns)
_column_names = _kept(column_names)


def format_form(key: str, detected: Format) -> Format:
    """Show how a file is written, let the person change it, and return what was decided."""
    left, right = st.columns(2, wrap=False)
    with left:
        encoding = choose_detected(
            t("Encoding"),
            ENCODINGS,
            detected.encoding,
            ENCODING_NAMES.__getitem__,
            f"encoding {key}",
        )
        header = choose_detected(
            t("Header line"), (True, False), detected.header, _yes_or_no, f"header {key}"
        )
    with right:
        delimiter = choose_detected(
            t("Delimiter"), DELIMITERS, detected.delimiter, _delimiter_name, f"delimiter {key}"
        )
        quoted = choose_detected(
            t("Cells in quotes"), (True, False), detected.quoted, _yes_or_no, f"quoted {key}"
        )
    return Format(encoding, delimiter, header, quoted)


def _columns_form(source: Source, how: Format, use: str) -> Columns:
    detected = _detected_columns(source.path, how)
    names = column_titles(source, how)
    key = f"{use} {how} {source.path.name}"
    left, right = st.columns(2, wrap=False)
    with left:
        text = choose_detected(
            t("Sentence column"), range(len(names)), detected.text, names.__getitem__, f"text {key}"
        )
    with right:
        label = choose_detected(
            t("Label column"), range(len(names)), detected.label, names.__getitem__, f"label {key}"
        )
    return Columns(text, label)


def choose_detected(
    label: str,
    options: Sequence[Option],
    detected: Option,
    name: Callable[[Option], str],
    key: str,
) -> Option:
    """Show a choice that begins with what was detected and says so."""

    def shown(option: Option) -> str:
        return t("{name} · detected", name=name(option)) if option == detected else name(option)

    chosen: Option = st.selectbox(
        label,
        options,
        options.index(detected),
        shown,
        key=key,
        persist_state="session",
    )
    return chosen


def _yes_or_no(value: bool) -> str:
    return t("Yes") if value else t("No")


def _delimiter_name(delimiter: str) -> str:
    return DELIMITER_NAMES[delimiter].in_language(language())


def column_titles(source: Source, how: Format) -> list[str]:
    """Return a name for each column, no two the same."""
    names = _column_names(source.path, how)
    numbered = _numbered(len(names))
    own = {name for name in names if names.count(name) == 1 and not name.isdecimal()}
    if not how.header:
        return numbered
    return [
        name if name in own - set(numbered) else number
        for name, number in zip(names, numbered, strict=True)
    ]


def _numbered(width: int) -> list[str]:
    return [t("Column {number}", number=place) for place in range(1, width + 1)]


def show_sample(source: Source, how: Format) -> None:
    """Show the first rows as they are read now."""
    records = sample(source.path, how, SAMPLE_ROWS + how.header)[how.header :]
    titles = column_titles(source, how)
    width = min(max((len(record.cells) for record in records), default=0), MOST_COLUMNS)
    titles = [*titles, *_numbered(width)[len(titles) :]][:width]
    # The columns of the frame are called by their places: titles come from the file and may repeat.
    frame = pd.DataFrame(
        {"line": [record.line for record in records]}
        | {str(place): [_shown(record, place) for record in records] for place in range(width)}
    )
    st.dataframe(
        frame,
        hide_index=True,
        placeholder="",
        column_config={"line": st.column_config.NumberColumn(t("Line"), width="small", pinned=True)}
        | {
            str(place): st.column_config.TextColumn(title, width=_width(frame[str(place)]))
            for place, title in enumerate(titles)
        },
        alt=t("The first rows of the file as they are read now"),
    )
    st.caption(
        t("The first rows as they are read now. If they look wrong, change what was detected.")
    )


def _width(cells: pd.Series) -> Literal["small", "medium"]:
    """Return the width of a column: sentences leave room for the label beside them, on a phone too."""
    return "medium" if cells.str.len().max() > FEW_CHARACTERS else "small"


def _shown(record: Record, place: int) -> str:
    """Return the start of a cell; a file read in a wrong encoding may be one cell as a whole."""
    cell = record.cells[place] if place < len(record.cells) else ""
    return cell[:MOST_CHARACTERS].replace(UNDECODABLE, "\ufffd")


def names_form(dataset: Dataset) -> dict[str, str]:
    """Let the person give labels readable names and return those given, by label."""
    if len(dataset.labels) > MOST_NAMED:
        return {}
    numeric = any(NUMBER.fullmatch(label) for label in dataset.labels)
    with st.expander(t("Readable names for the labels"), numeric, icon=":material/label:"):
        st.caption(t("Charts, reports and predictions show these names instead of the labels."))
        edited = st.data_editor(
            _names_before(dataset),
            hide_index=True,
            disabled=["label"],
            column_config={
                "label": t("Label"),
                "name": st.column_config.TextColumn(t("Name"), max_chars=40),
            },
            key=f"names {dataset.id}",
        )
    rows = zip(edited["label"].tolist(), edited["name"].fillna("").tolist(), strict=True)
    given = {label: name.strip() for label, name in rows if name.strip()}
    st.session_state[f"given names {dataset.id}"] = given
    return given


def _names_before(dataset: Dataset) -> pd.DataFrame:
    """Return the table of names as it was when the page was opened: the editor keeps changes itself."""
    before = f"names before {dataset.id}"
    if f"names {dataset.id}" not in st.session_state:
        st.session_state[before] = st.session_state.get(f"given names {dataset.id}", {})
    names = [st.session_state[before].get(label, "") for label in dataset.labels]
    return pd.DataFrame({"label": dataset.labels, "name": names}, dtype="str")
