"""Records of a file -> datasets: read, checked, divided, and kept in the workspace.

This package knows sentences and labels; it knows nothing of tokens or models.
"""

from kobert_demo.columns import Columns
from kobert_demo.dataset.checks import Problem, summarize
from kobert_demo.dataset.examples import Dataset, split
from kobert_demo.dataset.parsing import detect_columns, parse
from kobert_demo.dataset.store import (
    DataChoice,
    DatasetSummary,
    keep_upload,
    list_datasets,
    load_choice,
    load_dataset,
    save_dataset,
    with_labels_of,
)

__all__ = [
    "Columns",
    "DataChoice",
    "Dataset",
    "DatasetSummary",
    "Problem",
    "detect_columns",
    "keep_upload",
    "list_datasets",
    "load_choice",
    "load_dataset",
    "parse",
    "save_dataset",
    "split",
    "summarize",
    "with_labels_of",
]
