"""Downloads, through the real client: whole and exact, gone on with where they broke off, or refused."""

import errno
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kobert_demo import download as client
from kobert_demo.download import download_model
from kobert_demo.hub import cached_model
from tests.fetching import (
    NEEDED,
    OTHERS,
    REPO,
    contents,
    download,
    home,
    hub,
    kept,
    nothing_half_written,
    sentence,
    write,
)
from tests.loopback_hub import LoopbackHub

__all__ = ["home", "hub"]  # the fixtures

SCRIPT = """
import sys
from kobert_demo.errors import ModelError
from kobert_demo.download import download_model
try:
    print(download_model(sys.argv[1], lambda done, total: {then}))
except ModelError as error:
    print(error)
"""


def break_in_the_middle(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the weights break off after one chunk, for good; heal the hub and return what was said."""
    hub.cut_after = 400_000
    with monkeypatch.context() as patch:
        patch.setattr(client, "PAUSES", ())
        said = sentence()
    hub.cut_after = None
    return said


def run(home: Path, hub: LoopbackHub, name: str = REPO, then: str = "None", **more: str) -> Any:
    """Download in a process of its own, as the shell does."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(then=then), name],
        env={**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": hub.endpoint, **more},
        capture_output=True,
        text=True,
        check=False,
    )


def test_exactly_the_needed_files_come(hub: LoopbackHub, home: Path) -> None:
    directory = download()
    assert contents(directory) == NEEDED
    assert directory.parts[-4:-1] == ("hub", "models--somebody--tiny", "snapshots")
    assert directory.is_relative_to(home)
    assert nothing_half_written(home)
    assert hub.contents()[-1].startswith("GET /large/"), "the weights come last"


def test_pytorch_weights_come_where_there_are_no_others(
    hub: LoopbackHub, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "tiny" / "model.safetensors").unlink()
    assert contents(download())["pytorch_model.bin"] == OTHERS["pytorch_model.bin"]


def test_progress_counts_the_bytes_of_all_files(hub: LoopbackHub) -> None:
    seen: list[tuple[int, int]] = []
    download_model(REPO, lambda *counts: seen.append(counts))
    total = sum(map(len, NEEDED.values()))
    assert {of for _, of in seen} == {total}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (total, total)
    assert len(seen) > len(NEEDED), "large files tell how far they are"


def test_the_commit_is_frozen_by_the_first_download(hub: LoopbackHub, tmp_path: Path) -> None:
    first = download()
    assert first.name == hub.repositories[REPO].commit
    assert all(f"/resolve/{first.name}/" in request for request in hub.asked("/resolve/"))
    later = write(tmp_path / "later", {**NEEDED, "config.json": b'{"model_type": "electra"}'})
    commit = hub.add(REPO, later, commit="1" * 40)
    assert download() == first
    assert contents(download(f"{REPO}@{commit}"))["config.json"] == b'{"model_type": "electra"}'
    assert cached_model(REPO) == first


def test_a_broken_connection_is_gone_on_with_at_once(hub: LoopbackHub, home: Path) -> None:
    hub.cut_after, hub.cuts = 400_000, 1
    assert contents(download()) == NEEDED
    ranges = [headers["Range"] for headers in hub.headers if "Range" in headers]
    assert set(ranges) == {f"bytes={client.CHUNK}-"}


def test_what_came_before_the_connection_stayed_broken_is_kept(
    hub: LoopbackHub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert break_in_the_middle(hub, monkeypatch) == (
        f"The connection broke while {REPO} was coming: start again, and it goes on from what is here."
    )
    assert [part.stat().st_size for part in home.rglob("*.incomplete")] == [client.CHUNK]
    assert cached_model(REPO) is None
    hub.headers.clear()
    assert contents(download()) == NEEDED
    assert f"bytes={client.CHUNK}-" in [headers.get("Range") for headers in hub.headers]
    assert list(home.rglob("*.incomplete")) == []
    assert nothing_half_written(home)


def test_a_killed_download_is_gone_on_with(hub: LoopbackHub, home: Path) -> None:
    kill = f"done > {client.CHUNK} and __import__('os').kill(__import__('os').getpid(), 9)"
    assert run(home, hub, then=kill).returncode == -9
    assert len(list(home.rglob("*.incomplete"))) == 1
    hub.headers.clear()
    assert contents(download()) == NEEDED
    assert [headers["Range"] for headers in hub.headers if "Range" in headers]
    assert nothing_half_written(home)


def test_two_downloads_at_once_fetch_each_file_once(hub: LoopbackHub, home: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(download, [REPO, REPO])
    assert first == second
    assert contents(first) == NEEDED
    assert len(hub.contents()) == len(set(hub.contents()))


def test_the_variables_of_hugging_face_hold_and_nothing_else_is_printed(
    hub: LoopbackHub, home: Path, tmp_path: Path
) -> None:
    hub.token = "hf_secret"
    ran = run(tmp_path / "own", hub, HF_TOKEN="hf_secret")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert contents(Path(ran.stdout.strip())) == NEEDED
    assert Path(ran.stdout.strip()).is_relative_to(tmp_path / "own" / "hub")
    hub.requests.clear()
    offline = {"HF_HUB_OFFLINE": "1"}
    assert run(tmp_path / "own", hub, **offline).stdout == ran.stdout
    refused = run(tmp_path / "own", hub, "somebody/else", **offline)
    assert "HF_HUB_OFFLINE is set: unset it" in refused.stdout
    assert (hub.requests, refused.stderr) == ([], "")


def test_the_token_is_shown_to_the_hub_alone(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hf_secret"
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    download()
    for request, headers in zip(hub.requests, hub.headers, strict=True):
        shown = headers.get("Authorization")
        assert shown == (None if "/large/" in request else "Bearer hf_secret"), request


@pytest.mark.parametrize("failure", ["truncated", "corrupt"])
def test_other_bytes_than_announced_are_not_kept(
    hub: LoopbackHub, home: Path, failure: str
) -> None:
    setattr(hub, failure, True)
    assert sentence().startswith("What came as spiece.model of somebody/tiny is not what the hub")
    assert list(home.rglob("*.incomplete")) == []
    assert nothing_half_written(home)
    assert cached_model(REPO) is None
    setattr(hub, failure, False)
    assert contents(download()) == NEEDED


def test_a_part_that_was_damaged_meanwhile_is_not_built_upon(
    hub: LoopbackHub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_in_the_middle(hub, monkeypatch)
    part = next(home.rglob("*.incomplete"))
    part.write_bytes(b"x" * part.stat().st_size)
    assert "nothing of it was kept: download it again" in sentence()
    assert contents(download()) == NEEDED


def test_the_missing_files_are_named_together_before_anything_comes(
    hub: LoopbackHub, home: Path, tmp_path: Path
) -> None:
    hub.add("somebody/else", write(tmp_path / "else", OTHERS | {"onnx/config.json": b"{}"}))
    said = sentence("somebody/else")
    assert "config.json, .spiece / .model / tokenizer.json / vocab.txt: choose another" in said
    assert "safetensors" not in said
    assert hub.contents() == []


def test_weights_in_several_files_are_said(hub: LoopbackHub, tmp_path: Path) -> None:
    parts = {"model.safetensors.index.json": b"{}", "model-00001-of-00002.safetensors": b"x"}
    hub.add("somebody/large", write(tmp_path / "large", {"config.json": b"{}", **parts}))
    assert "keeps its weights in several files, which is not supported" in sentence(
        "somebody/large"
    )


def test_a_disk_without_room_is_said_before_anything_comes(
    hub: LoopbackHub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(Path("/"))._replace(free=600_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert sentence() == (
        f"The disk is full: free 1 MB in {home / 'hub'} for {REPO}, or set HF_HOME to a folder on "
        "another disk."
    )
    assert (hub.contents(), kept(home)) == ([], [])


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_meanwhile_keeps_no_part(
    hub: LoopbackHub, home: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    break_in_the_middle(hub, monkeypatch)
    assert len(list(home.rglob("*.incomplete"))) == 1
    opened = Path.open

    def full(path: Path, mode: str = "r", *arguments: Any, **more: Any) -> Any:
        if path.suffix == ".incomplete" and mode != "rb":
            raise OSError(code, os.strerror(code))
        return opened(path, mode, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        assert sentence().startswith(f"The disk is full: free 1 MB in {home / 'hub'} for {REPO}")
    assert list(home.rglob("*.incomplete")) == []
    assert nothing_half_written(home)
    assert contents(download()) == NEEDED
