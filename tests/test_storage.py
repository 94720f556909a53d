"""The second place of what a run keeps, in each kind of file system that is at hand."""

from pathlib import Path

import pytest

from kobert_demo.errors import ConfigError, RunError
from kobert_demo.storage import copy_kept, fetch_kept, open_storage, whole_url

pytest.importorskip("fsspec")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A run's directory: a checkpoint, a bundle, and what concerns this machine alone."""
    directory = tmp_path / "run"
    (directory / "bundle-4").mkdir(parents=True)
    (directory / "bundle-4" / "config.json").write_text("{}")
    (directory / "checkpoint-4-0123456789abcdef.pt").write_bytes(b"four")
    for name in ("worker.log", "checkpoint.new", ".unfinished-x"):
        (directory / name).write_text("here")
    return directory


def content(directory: Path) -> dict[str, bytes]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}


KEPT = {"bundle-4/config.json": b"{}", "checkpoint-4-0123456789abcdef.pt": b"four"}


@pytest.mark.parametrize("kind", ["{path}", "file://{path}", "memory://{path}"])
def test_a_copy_holds_what_is_kept_and_brings_it_back(
    directory: Path, tmp_path: Path, kind: str
) -> None:
    url = kind.format(path=tmp_path / "there" / "20261127-1")
    copy_kept(directory, url)
    copy_kept(directory, url)
    (tmp_path / "back").mkdir()
    fetch_kept(url, tmp_path / "back")
    assert content(tmp_path / "back") == KEPT

    (directory / "checkpoint-4-0123456789abcdef.pt").unlink()
    (directory / "checkpoint-8-0123456789abcdef.pt").write_bytes(b"eight")
    copy_kept(directory, url)
    files, root = open_storage(url)
    left = {Path(name).name for name in files.ls(root, detail=False)}
    assert left == {"bundle-4", "checkpoint-8-0123456789abcdef.pt"}


def test_what_is_there_already_is_not_fetched(directory: Path, tmp_path: Path) -> None:
    url = str(tmp_path / "there")
    copy_kept(directory, url)
    (directory / "bundle-4" / "config.json").write_text("newer")
    fetch_kept(url, directory)
    assert content(directory)["bundle-4/config.json"] == b"newer"


def test_a_copy_that_was_cut_off_is_made_again(directory: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    (there / "bundle-4.new").mkdir(parents=True)
    (tmp_path / "back").mkdir()
    fetch_kept(str(there), tmp_path / "back")
    assert content(tmp_path / "back") == {}
    copy_kept(directory, str(there))
    assert content(there) == KEPT


def test_a_place_is_named_so_that_it_is_found_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert whole_url(" ") == ""
    assert whole_url("there/") == f"file://{tmp_path}/there"
    assert whole_url("memory://there") == "memory:///there"


def test_nothing_is_fetched_where_nothing_is(tmp_path: Path) -> None:
    fetch_kept(str(tmp_path / "nowhere"), tmp_path)
    assert content(tmp_path) == {}


def test_a_storage_that_cannot_be_written_to_is_said_in_words(
    directory: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no directory")
    url = str(tmp_path / "file" / "there")
    for use in (lambda: copy_kept(directory, url), lambda: fetch_kept(url, directory)):
        with pytest.raises(RunError) as raised:
            use()
        assert url in str(raised.value)
        assert url in raised.value.in_language("ko")


@pytest.mark.parametrize("url", ["nosuch://bucket/x", "abfs://container/x"])
def test_a_url_that_nobody_knows_is_said_in_words(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        open_storage(url)
    assert url in str(raised.value)
    assert url in raised.value.in_language("ko")
