"""Where the data of the Dataset page comes from, and work on it that is done only once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from kobert_demo.dataset import Dataset, DatasetSummary, keep_upload, load_dataset
from kobert_demo.preflight import count_leaked
from kobert_demo.ui.elements import distinct_names, plain, visitors_time
from kobert_demo.ui.session import t, workspace
from kobert_demo.ui.style import DATA_MB

SAMPLES = Path(__file__).parents[1] / "data"
LARGE = 2_000_000  # bytes: more is worth a progress bar
KEPT_DATASETS, KEPT_RESULTS = 6, 32  # of all visitors together; a dataset may take 300 MB

Result = TypeVar("Result")
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Source:
    """A file of the person's, or a built-in one; `name` is for reading only, never a path."""

    path: Path
    name: str


def sample(name: str) -> Source | None:
    """Return a built-in sample file."""
    path = SAMPLES / name
    return Source(path, name) if path.is_file() else None


def uploaded(key: str, label: str) -> Source | None:
    """Ask for a file and return it, or the one that was given on an earlier visit to the page."""
    remembered = f"{key} file"

    def remember() -> None:
        given = st.session_state[key]
        st.session_state[remembered] = (
            Source(keep_upload(given.getbuffer(), workspace()), _shown(given.name))
            if given
            else None
        )

    # No filter by type: what a file is, its bytes say, and a workbook gets a sentence that helps.
    given = st.file_uploader(
        label,
        key=key,
        on_change=remember,
        max_upload_size=DATA_MB,
        help=t(
            "TSV, CSV or TXT up to {size} MB: a sentence and a label on each line. Encoding, "
            "delimiter, header and columns are detected and can be changed.",
            size=DATA_MB,
        ),
    )
    source: Source | None = st.session_state.get(remembered)
    if source is None or not source.path.is_file():
        return None
    if given is None:
        st.caption(t("Still chosen: {name}", name=plain(source.name)))
    return source


def _shown(name: str) -> str:
    """Return the last part of a file's name, without what cannot be shown."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable())[:80] or "data"


@st.cache_resource(max_entries=KEPT_DATASETS, show_spinner=False)
def dataset_slot(*_key: object) -> dict[str, Any]:
    """Return the place where a dataset is kept for `once`; `key` says all that it depends on."""
    return {}


@st.cache_resource(max_entries=KEPT_RESULTS, show_spinner=False)
def result_slot(*_key: object) -> dict[str, Any]:
    """Return the place where a small result is kept for `once`."""
    return {}


def once(
    slot: dict[str, Any], compute: Callable[[Progress], Result], text: str = "", size: int = 0
) -> Result:
    """Return what `compute` returned for this slot before, else compute it under a progress bar.

    The results are shared by all visitors, so they must not be changed. (Streamlit's own caches
    cannot draw a progress bar from inside.)

    Args:
        text: what the progress bar says, translated.
        size: of the work, about in bytes; a small one shows no bar.
    """
    if "result" not in slot:
        place = st.empty()

        def show(share: float) -> None:
            if size > LARGE:
                place.progress(min(share, 1.0), text)

        show(0.0)
        slot["result"] = compute(show)
        place.empty()
    result: Result = slot["result"]
    return result


def choose_origin(label: str, names: Mapping[str, str], key: str) -> str:
    """Show where data can come from, if there is more than one way, and return what was chosen.

    Args:
        names: the ways that there are, each with its translated name.
    """
    first, *others = names
    if not others:
        return first
    chosen = st.segmented_control(
        label,
        list(names),
        format_func=names.__getitem__,
        key=key,
        default=first,
        required=True,
        persist_state="session",
    )
    return chosen or first


def choose_kept(kept: Sequence[DatasetSummary], key: str) -> Dataset:
    """Show the datasets of the workspace and return the one that was chosen.

    Raises:
        DataError: its files are damaged.
    """
    summaries = {summary.id: summary for summary in kept}
    names = distinct_names(list(summaries), lambda id: _described(summaries[id]))
    chosen = st.selectbox(
        t("Dataset"),
        list(summaries),
        format_func=names.__getitem__,
        key=key,
        persist_state="session",
    )
    return once(dataset_slot(str(workspace()), chosen), lambda _: load_dataset(workspace(), chosen))


def _described(summary: DatasetSummary) -> str:
    return t(
        "{name} · {rows} sentences · {labels} labels · {date}",
        name=summary.name,
        rows=f"{summary.usable:,}",
        labels=len(summary.labels),
        date=f"{visitors_time(datetime.fromisoformat(summary.created).timestamp()):%Y-%m-%d}",
    )


def leaks(train: Dataset, test: Dataset) -> tuple[int, int]:
    """Return how many distinct test sentences were trained on too, and how many there are."""
    return once(
        result_slot("leaks", train.id, test.id),
        lambda _: (count_leaked(train, test), len(set(test.texts))),
    )
