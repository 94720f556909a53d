"""Names on the Hugging Face hub, and the models of it that Hugging Face's own cache holds.

This module asks the hub at most whether it is there; `download` fetches.
"""

import hashlib
import re
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path, PurePosixPath

import httpx2
from huggingface_hub import constants, get_session, try_to_load_from_cache

# The client's own rules for a repository's name, then a branch, a tag or a commit.
NAME = re.compile(
    r"(?!.*(\.\.|--))(?P<repo>\w[\w.-]{0,95}\b/\w[\w.-]{0,95}\b)(?<!\.git)"
    r"(@(?P<revision>[\w.-]+(/[\w.-]+)*))?",
    re.ASCII,
)
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first that is there counts
VOCABULARIES = ("tokenizer.json", "vocab.txt")  # besides *.spiece and *.model
SETTINGS = ("tokenizer_config.json", "special_tokens_map.json")
ANSWER_SECONDS = 3


def parse_hub_name(name: str) -> tuple[str, str | None] | None:
    """Return the repository and revision that `owner/repo` or `owner/repo@revision` names."""
    match = NAME.fullmatch(name)
    return (match["repo"], match["revision"]) if match else None


def cached_model(name: str) -> Path | None:
    """Return the directory of a model that the cache holds as a whole, without asking the network."""
    parsed = parse_hub_name(name)
    if parsed is None:
        return None
    repo, revision = parsed
    config = try_to_load_from_cache(
        repo, "config.json", revision=revision or constants.DEFAULT_REVISION
    )
    if not isinstance(config, str):
        return None
    directory = Path(config).parent
    names = [path.name for path in directory.iterdir()]
    whole = not missing_files(names) and all(
        (directory / file).is_file() for file in needed_files(names)
    )
    return directory if whole else None


def hub_answers() -> bool:
    """Say whether the hub answers; at once where HF_HUB_OFFLINE is set, else within three seconds."""
    answers: list[bool] = []

    def ask() -> None:
        with suppress(httpx2.HTTPError, httpx2.InvalidURL, OSError):
            answer = get_session().head(constants.ENDPOINT, timeout=ANSWER_SECONDS)
            answers.append(answer.status_code < 500)

    # A thread, because no timeout bounds the look-up of a host's name.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    return answers == [True]


def _is_vocabulary(name: str) -> bool:
    at_top = "/" not in name and "\\" not in name
    return name in VOCABULARIES or (at_top and PurePosixPath(name).suffix in (".spiece", ".model"))


def needed_files(names: Collection[str]) -> list[str]:
    """Return the files to have, the weights last: where they are in the cache, all is."""
    small = {name for name in names if name in ("config.json", *SETTINGS) or _is_vocabulary(name)}
    return [*sorted(small), *[name for name in WEIGHTS if name in names][:1]]


def missing_files(names: Collection[str]) -> list[str]:
    return [
        what
        for what, there in (
            ("config.json", "config.json" in names),
            (" / ".join(WEIGHTS), any(name in names for name in WEIGHTS)),
            (".spiece / .model / " + " / ".join(VOCABULARIES), any(map(_is_vocabulary, names))),
        )
        if not there
    ]


def digest(path: Path, git: bool = False) -> str:
    """Return a file's SHA-256, or git's SHA-1 of it: by these the hub names large and small files."""
    with path.open("rb") as file:
        if not git:
            return hashlib.file_digest(file, "sha256").hexdigest()
        start = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        return hashlib.file_digest(file, lambda: start).hexdigest()
