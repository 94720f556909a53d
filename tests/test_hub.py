"""Names on the hub, what the cache holds of them as a whole, and whether the hub is there."""

from pathlib import Path

import pytest
from huggingface_hub import constants

from kobert_demo.hub import cached_model, hub_answers, parse_hub_name
from tests.fetching import NEEDED, REPO, contents, download, home, hub, sentence
from tests.loopback_hub import LoopbackHub

__all__ = ["home", "hub"]  # the fixtures


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
