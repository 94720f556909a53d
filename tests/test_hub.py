"""Models from the hub, through the real client: whole and exact in the cache, or one sentence."""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import close_session, constants

from kobert_demo import download as client
from kobert_demo import hub as names
from kobert_demo.download import download_model
from kobert_demo.errors import ModelError
from kobert_demo.hub import cached_model, hub_answers, parse_hub_name
from tests.loopback_hub import LoopbackHub

REPO = "somebody/tiny"
NEEDED = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": bytes(range(256)) * 2_400,  # more than two of the chunks that are written
    "spiece.model": b"\x0a\x0e" * 700,
    "special_tokens_map.json": b"{}",
    "tokenizer_config.json": b"{}",
}
OTHERS = {
    ".gitattributes": b"*.bin filter=lfs",
    "README.md": b"# Tiny",
    "flax_model.msgpack": b"f" * 2_000,
    "modeling.py": b"raise SystemExit",
    "onnx/model.onnx": b"o" * 2_000,
    "onnx/tokenizer.json": b"{}",
    "pytorch_model.bin": b"p" * 2_000,
    "tf_model.h5": b"t" * 2_000,
}
SCRIPT = """
import sys
from kobert_demo.errors import ModelError
from kobert_demo.download import download_model
try:
    print(download_model(sys.argv[1], lambda done, total: {then}))
except ModelError as error:
    print(error)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hugging Face's folder for one test; the client read the variables when it was imported."""
    path = tmp_path / "home"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(path / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(client, "PAUSES", (0, 0))
    return path


@pytest.fixture
def hub(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A hub with one repository, which the client takes for the hub."""
    with LoopbackHub() as served:
        served.add(REPO, write(tmp_path / "tiny", {**NEEDED, **OTHERS}))
        go_to(served.endpoint, monkeypatch)
        yield served
    close_session()


def go_to(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


def write(directory: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory


def download(name: str = REPO) -> Path:
    return download_model(name, lambda done, total: None)


def sentence(name: str = REPO) -> str:
    with pytest.raises(ModelError) as caught:
        download(name)
    assert caught.value.in_language("ko")
    return str(caught.value)


def break_in_the_middle(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the weights break off after one chunk, for good; heal the hub and return what was said."""
    hub.cut_after = 400_000
    with monkeypatch.context() as patch:
        patch.setattr(client, "PAUSES", ())
        said = sentence()
    hub.cut_after = None
    return said


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def kept(home: Path) -> list[str]:
    """Return the names of the files in the cache that hold anything of a model."""
    paths = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(p.name for p in paths if p.name != "CACHEDIR.TAG" and ".locks" not in p.parts)


def nothing_half_written(home: Path) -> bool:
    """Say whether each file in the cache is what its name says."""
    blobs = [path for path in home.rglob("blobs/*") if path.is_file()]
    return all(path.name in digests(path.read_bytes()) for path in blobs)


def digests(content: bytes) -> tuple[str, str]:
    git = b"blob %d\0" % len(content) + content
    return hashlib.sha1(git).hexdigest(), hashlib.sha256(content).hexdigest()


def run(home: Path, hub: LoopbackHub, name: str = REPO, then: str = "None", **more: str) -> Any:
    """Download in a process of its own, as the shell does."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(then=then), name],
        env={**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": hub.endpoint, **more},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("skt/kobert-base-v1", ("skt/kobert-base-v1", None)),
        ("beomi/KcELECTRA-base@v2022", ("beomi/KcELECTRA-base", "v2022")),
        ("a/b@refs/pr/1", ("a/b", "refs/pr/1")),
        *((name, None) for name in ("mini", "", "a/b/c", "/etc/passwd", "./a/b", "../a", "~/a")),
        *((name, None) for name in ("a/..", "a/b@", "a/b@..", "a/b@../c", "a/b@/c", "a/b\n")),
        *((name, None) for name in ("한국/어", "C:/a", "a/b.git", "a/b-", "a--b/c", "a/b c")),
    ],
)
def test_only_owner_and_repository_name_a_model_on_the_hub(
    name: str, parsed: tuple[str, str | None] | None
) -> None:
    assert parse_hub_name(name) == parsed


def test_what_names_no_model_is_said_to(home: Path) -> None:
    assert cached_model("../x") is None
    assert "write owner/model" in sentence("../x")


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


def test_a_whole_model_is_found_without_a_request(hub: LoopbackHub, home: Path) -> None:
    assert cached_model(REPO) is None
    assert hub.requests == []
    directory = download()
    hub.requests.clear()
    assert cached_model(REPO) == directory
    assert download() == directory
    assert hub.requests == []


def test_a_model_without_its_weights_is_not_whole_and_only_they_come_again(
    hub: LoopbackHub, home: Path
) -> None:
    directory = download()
    (directory / "model.safetensors").resolve().unlink()
    assert cached_model(REPO) is None
    hub.requests.clear()
    assert contents(download()) == NEEDED
    assert len(hub.asked("GET /large/")) == len(hub.asked(f"GET /{REPO}/")) == 1


@pytest.mark.parametrize("file", ["config.json", "spiece.model", "tokenizer_config.json"])
def test_a_model_with_a_dangling_file_is_not_whole(hub: LoopbackHub, file: str) -> None:
    (download() / file).resolve().unlink()
    assert cached_model(REPO) is None


def test_the_commit_is_frozen_by_the_first_download(hub: LoopbackHub, tmp_path: Path) -> None:
    first = download()
    assert first.name == hub.repositories[REPO].commit
    assert all(f"/resolve/{first.name}/" in request for request in hub.asked("/resolve/"))
    later = write(tmp_path / "later", {**NEEDED, "config.json": b'{"model_type": "electra"}'})
    commit = hub.add(REPO, later, commit="1" * 40)
    assert download() == first
    assert contents(download(f"{REPO}@{commit}"))["config.json"] == b'{"model_type": "electra"}'
    assert cached_model(REPO) == first


def test_a_revision_that_the_hub_does_not_have_is_said(hub: LoopbackHub) -> None:
    said = sentence(f"{REPO}@{'2' * 40}")
    assert said.startswith(f"The hub has no revision {'2' * 40} of {REPO}")
    assert f"{REPO}@main" in said


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


def test_offline_without_the_model_is_said(
    hub: LoopbackHub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert sentence() == (
        f"{REPO} is not on this computer, and HF_HUB_OFFLINE is set: unset it, or copy the model's "
        "folder here and give its path."
    )
    assert (hub.requests, kept(home)) == ([], [])


@pytest.mark.parametrize(
    ("name", "failure", "said"),
    [
        ("some/typo", {}, "shows you no some/typo: check the spelling, or set HF_TOKEN"),
        (REPO, {"token": "hf_other"}, "or set HF_TOKEN to a token that may read it"),
        (f"{REPO}@v9", {}, f"The hub has no revision v9 of {REPO}"),
        (REPO, {"gated": True}, f"/{REPO}, and set HF_TOKEN to your token"),
        (REPO, {"status": 403}, f"{REPO} is closed to you: ask for access"),
        (REPO, {"status": 429}, "The hub has trouble (HTTP status 429): try again later."),
        (REPO, {"status": 500}, "The hub has trouble (HTTP status 500): try again later."),
        (REPO, {"file_status": 503}, "The hub has trouble (HTTP status 503): try again later."),
        (REPO, {"portal": True}, "does not answer like a Hugging Face hub: sign in"),
    ],
)
def test_a_refusal_is_one_sentence_and_leaves_nothing(
    hub: LoopbackHub, home: Path, name: str, failure: dict[str, Any], said: str
) -> None:
    for switch, value in failure.items():
        setattr(hub, switch, value)
    assert said in sentence(name)
    assert "\n" not in sentence(name)
    assert kept(home) == []


def test_a_repository_that_is_unknown_to_a_member_is_misspelled(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert sentence("some/typo") == "The hub has no model some/typo: check the spelling."


def test_a_hub_that_is_not_there_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackHub() as gone:
        endpoint = gone.endpoint
    go_to(endpoint, monkeypatch)
    assert sentence() == (
        f"{endpoint} cannot be reached: check the network, or copy the model's folder here and give its "
        "path."
    )
    assert not hub_answers()
    assert kept(home) == []


@pytest.mark.parametrize("endpoint", ["nonsense", "http://", "http://:x", "ftp://127.0.0.1"])
def test_an_address_that_is_none_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    go_to(endpoint, monkeypatch)
    assert endpoint in sentence()
    assert not hub_answers()


def test_a_hub_that_is_too_slow_cannot_be_reached(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.delay = 0.4
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.1)
    monkeypatch.setattr(names, "ANSWER_SECONDS", 0.1)
    assert "cannot be reached" in sentence()
    assert not hub_answers()


def test_a_hub_answers_unless_it_has_trouble_or_is_not_to_be_asked(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub_answers()
    hub.status = 503
    assert not hub_answers()
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert not hub_answers()
    assert hub.requests == []


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


def test_a_cache_that_cannot_be_written_is_said(hub: LoopbackHub, home: Path) -> None:
    home.write_text("a file")
    assert sentence() == (
        f"Nothing can be written to {home / 'hub'}: allow it, or set HF_HOME to another folder."
    )
