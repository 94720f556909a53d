"""What stands between here and the hub, each in one sentence that leaves nothing in the cache."""

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from kobert_demo import hub as names
from kobert_demo.hub import hub_answers
from tests.fetching import REPO, go_to, home, hub, kept, sentence
from tests.loopback_hub import LoopbackHub

__all__ = ["home", "hub"]  # the fixtures


def test_a_revision_that_the_hub_does_not_have_is_said(hub: LoopbackHub) -> None:
    said = sentence(f"{REPO}@{'2' * 40}")
    assert said.startswith(f"The hub has no revision {'2' * 40} of {REPO}")
    assert f"{REPO}@main" in said


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


def test_a_cache_that_cannot_be_written_is_said(hub: LoopbackHub, home: Path) -> None:
    home.write_text("a file")
    assert sentence() == (
        f"Nothing can be written to {home / 'hub'}: allow it, or set HF_HOME to another folder."
    )
