"""A file named in the shell, and what was said of it -> a dataset."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kobert_demo.columns import Columns
from kobert_demo.dataset import Dataset, detect_columns, parse
from kobert_demo.errors import DataError
from kobert_demo.reading import Format, column_names, detect_format


def read_dataset(path: Path, args: argparse.Namespace, least: int = 2) -> tuple[Dataset, Format]:
    """Read a file as the arguments say, and as detected where they say nothing.

    Args:
        least: how many rows a label needs: 1 is enough for data that is only tested with.
    """
    how, names = read_format(path, args)
    found = detect_columns(path, how)
    text, label = (
        otherwise if given is None else column_index(given, names, how.header)
        for given, otherwise in ((args.text_column, found.text), (args.label_column, found.label))
    )
    columns = Columns(text, label)
    return parse(path, how, columns, name=path.name, least=least), how


def read_format(path: Path, args: argparse.Namespace) -> tuple[Format, tuple[str, ...]]:
    """Return how a file is written, as the arguments say and else as it seems, and its columns' names.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    if not path.is_file():
        raise DataError("There is no file {path}: check the name.", path=path)
    how = detect_format(path)
    chosen = {name: getattr(args, name) for name in ("encoding", "delimiter", "header")}
    how = replace(how, **{name: value for name, value in chosen.items() if value is not None})
    return how, column_names(path, how)


def column_index(given: str, names: Sequence[str], header: bool) -> int:
    """Return the index of a column given by its name or its number from 1.

    Raises:
        DataError: there is no such column.
    """
    if header and given.strip() in names:
        return list(names).index(given.strip())
    if given.isdecimal() and 1 <= int(given) <= len(names):
        return int(given) - 1
    raise DataError(
        "There is no column {column}: give a number from 1 to {count}, or one of these names: {names}.",
        column=given,
        count=len(names),
        names=", ".join(names) if header else "-",
    )
