"""A small repository on a loopback hub, and downloads of it into a cache of the test's own."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants

from kobert_demo import download as client
from kobert_demo.download import download_model
from kobert_demo.errors import ModelError
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
