"""A second place for what a run keeps: a shared path or an object store, whatever fsspec knows.

The run's own directory stays the first one. A copy bears its final name only when it is whole.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kobert_demo.errors import ConfigError, RunError
from kobert_demo.place import Place

KEPT = ("checkpoint-*.pt", "bundle-*")


def storage_of(place: Place, run: str) -> str:
    """Return where a run's copies lie; nothing where there are none."""
    return f"{place.storage.rstrip('/')}/{run}" if place.storage else ""


def whole_url(given: str) -> str:
    """Return a path or URL so that it means the same from everywhere; nothing for nothing.

    Raises:
        ConfigError: as from `open_storage`.
    """
    if not given.strip():
        return ""
    files, root = open_storage(given.strip())
    return str(files.unstrip_protocol(root))


def open_storage(url: str) -> tuple[Any, str]:
    """Return the file system of a path or URL, and its root there.

    Raises:
        ConfigError: nobody here knows such a URL.
    """
    from fsspec.core import url_to_fs

    try:
        found: tuple[Any, str] = url_to_fs(url)
    except (ImportError, ValueError) as problem:
        raise ConfigError(
            "The storage {url} cannot be opened ({reason}): give a path, or a URL that fsspec knows.",
            url=url,
            reason=problem,
        ) from None
    return found


def copy_kept(directory: Path, url: str) -> None:
    """Let `url` hold the checkpoints and bundles of a run's directory, and no others.

    Raises:
        RunError: the storage cannot be used.
    """
    with _usable(url) as (files, root):
        _copy(directory, files, root)


def fetch_kept(url: str, directory: Path) -> None:
    """Bring what a run's directory lacks of what `url` holds.

    Raises:
        RunError: the storage cannot be used.
    """
    with _usable(url) as (files, root):
        _fetch(files, root, directory)


@contextmanager
def _usable(url: str) -> Iterator[tuple[Any, str]]:
    """Open a storage; whatever fails in it, each kind fails in its own way."""
    files, root = open_storage(url)
    try:
        files.makedirs(root, exist_ok=True)
        yield files, root
    except Exception as problem:
        raise RunError(
            "The storage {url} cannot be used ({reason}): see that it is there and that this machine may "
            "write to it.",
            url=url,
            reason=problem,
        ) from problem


def _copy(directory: Path, files: Any, root: str) -> None:
    here = {path.name: path for kind in KEPT for path in directory.glob(kind)}
    there = _names(files, root)
    for name in sorted(here.keys() - there):
        unfinished = f"{root}/{name}.new"
        if f"{name}.new" in there:  # from a copy that was cut off
            files.rm(unfinished, recursive=True)
        files.put(str(here[name]), unfinished, recursive=True)
        files.mv(unfinished, f"{root}/{name}", recursive=True)
    for name in _names(files, root) - here.keys():
        files.rm(f"{root}/{name}", recursive=True)


def _fetch(files: Any, root: str, directory: Path) -> None:
    for name in _names(files, root):
        whole = any(Path(name).match(kind) for kind in KEPT) and not name.endswith(".new")
        if whole and not (directory / name).exists():
            files.get(f"{root}/{name}", str(directory / name), recursive=True)


def _names(files: Any, root: str) -> set[str]:
    files.invalidate_cache()  # others write there too
    return {Path(name).name for name in files.ls(root, detail=False)}
