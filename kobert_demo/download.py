"""A repository on the Hugging Face hub -> a model's directory in Hugging Face's own cache.

The client lists the repository and lays out its cache. The bytes are fetched here, since the client's own
download begins from nothing after a cut (https://github.com/huggingface/huggingface_hub/issues/4196).
"""

import errno
import logging
import math
import re
import shutil
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from huggingface_hub import (
    HfApi,
    constants,
    get_session,
    hf_hub_download,
    hf_hub_url,
    hf_raise_for_status,
)
from huggingface_hub import errors as hub_errors
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import WeakFileLock, build_hf_headers  # type: ignore[attr-defined]
from huggingface_hub.utils.tqdm import disable_progress_bars

from kobert_demo.errors import ModelError
from kobert_demo.hub import (
    WEIGHTS,
    cached_model,
    digest,
    missing_files,
    needed_files,
    parse_hub_name,
)
from kobert_demo.hub_errors import no_hub, sentence

COMMIT = re.compile(r"[0-9a-f]{40}")
# Git's SHA-1 of a small file, the SHA-256 of a large one.
DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
PAUSES = (1, 2, 4)  # seconds before asking for the rest of a file whose connection broke
CHUNK = 256 * 1024  # bytes


def download_model(name: str, progress: Callable[[int, int], None]) -> Path:
    """Return the directory of a model, fetching what the cache lacks; resumes what was cut off.

    Args:
        progress: called with the bytes that are here and the bytes of all files.

    Raises:
        ModelError: the model cannot be had; it says why and what to do.
    """
    parsed = parse_hub_name(name)
    if parsed is None:
        raise ModelError(
            "{name} names no model on the Hugging Face hub: write owner/model, or owner/model@revision.",
            name=name,
        )
    if (cached := cached_model(name)) is not None:
        return cached
    repo, revision = parsed[0], parsed[1] or constants.DEFAULT_REVISION
    try:
        with _quietly():
            listing = _list_files(name, repo, revision)
            _fill_cache(listing, progress)
            if not COMMIT.fullmatch(revision):
                ref = listing.folder / "refs" / revision
                ref.parent.mkdir(parents=True, exist_ok=True)
                ref.write_text(listing.commit, encoding="utf-8")
    except (httpx2.HTTPError, OSError) as error:
        raise sentence(error, name, repo, revision) from error
    return listing.folder / "snapshots" / listing.commit


@dataclass(frozen=True)
class _File:
    name: str
    size: int
    digest: str  # the name of its blob in the cache


@dataclass(frozen=True)
class _Listing:
    """What to have of one commit, and where the cache keeps it."""

    name: str
    repo: str
    commit: str
    files: list[_File]

    @property
    def folder(self) -> Path:
        return Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=self.repo, repo_type="model"))

    def blob(self, file: _File) -> Path:
        return self.folder / "blobs" / file.digest

    def part(self, file: _File) -> Path:
        return self.folder / "blobs" / f"{file.digest}.incomplete"

    def left(self) -> int:
        """Return how many bytes are still to come."""
        return sum(max(file.size - self._here(file), 0) for file in self.files)

    def _here(self, file: _File) -> int:
        paths = (self.blob(file), self.part(file))
        return next((path.stat().st_size for path in paths if path.is_file()), 0)


def _list_files(name: str, repo: str, revision: str) -> _Listing:
    """Ask the hub which commit `revision` means now, and for the files to have of it."""
    timeout = constants.HF_HUB_ETAG_TIMEOUT
    try:
        info = HfApi().model_info(repo, revision=revision, timeout=timeout, files_metadata=True)
        siblings = {sibling.rfilename: sibling for sibling in info.siblings or ()}
        commit = info.sha or ""
    except hub_errors.HfHubHTTPError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, httpx2.InvalidURL) as error:
        raise no_hub() from error
    if missing := missing_files(siblings):
        if any(f"{weights}.index.json" in siblings for weights in WEIGHTS):
            raise ModelError(
                "{name} keeps its weights in several files, which is not supported: choose a model with "
                "one model.safetensors or pytorch_model.bin.",
                name=name,
            )
        raise ModelError(
            "{name} cannot be used, its repository has no {files}: choose another model.",
            name=name,
            files=", ".join(missing),
        )
    files = []
    for file in needed_files(siblings):
        lfs, size = siblings[file].lfs, siblings[file].size
        digest = lfs.sha256 if lfs else siblings[file].blob_id or ""
        if size is None or not DIGEST.fullmatch(digest) or not COMMIT.fullmatch(commit):
            raise no_hub()
        files.append(_File(file, size, digest))
    return _Listing(name, repo, commit, files)


def _fill_cache(listing: _Listing, progress: Callable[[int, int], None]) -> None:
    (listing.folder / "blobs").mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(listing.folder).free < listing.left():
        raise _full(listing)
    done, total = 0, sum(file.size for file in listing.files)
    try:
        for file in listing.files:
            with closing(_load(listing, file)) as coming:
                for here in coming:
                    progress(done + here, total)
            # Finds the blob, and lays the snapshot over it.
            hf_hub_download(listing.repo, file.name, revision=listing.commit)
            done += file.size
            progress(done, total)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        for file in listing.files:
            listing.part(file).unlink(missing_ok=True)
        raise _full(listing) from error


def _load(listing: _Listing, file: _File) -> Generator[int, None, None]:
    """Fetch a file into the cache's blobs, yielding how many of its bytes are here."""
    blob, part = listing.blob(file), listing.part(file)
    # The client locks the same file.
    lock = listing.folder.parent / ".locks" / listing.folder.name / f"{file.digest}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        git = len(file.digest) == 40
        if blob.is_file() and digest(blob, git) == file.digest:
            return
        try:
            url = hf_hub_url(listing.repo, file.name, revision=listing.commit)
            yield from _resume(url, part, file.size)
        except httpx2.TransportError as error:
            raise ModelError(
                "The connection broke while {name} was coming: start again, and it goes on from what is "
                "here.",
                name=listing.name,
            ) from error
        if digest(part, git) != file.digest:
            part.unlink()
            raise ModelError(
                "What came as {file} of {name} is not what the hub announced, and nothing of it was "
                "kept: download it again.",
                file=file.name,
                name=listing.name,
            )
        part.replace(blob)


def _resume(url: str, part: Path, size: int) -> Iterator[int]:
    for pause in (*PAUSES, None):
        try:
            yield from _stream(url, part, size)
            return
        except httpx2.TransportError:
            if pause is None:
                raise
            time.sleep(pause)


def _stream(url: str, part: Path, size: int) -> Iterator[int]:
    here = part.stat().st_size if part.is_file() else 0
    if here and here >= size:
        return
    # A compressed answer could not be gone on with.
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if here:
        headers["Range"] = f"bytes={here}-"
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout) as answer:
        hf_raise_for_status(answer)
        here = here if answer.status_code == 206 else 0
        with part.open("ab" if here else "wb") as out:
            for chunk in answer.iter_bytes(CHUNK):
                out.write(chunk)
                here += len(chunk)
                yield here


@contextmanager
def _quietly() -> Iterator[None]:
    """Let the client print nothing: it writes retries, hints and progress to standard error."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            disable_progress_bars()
            yield
    finally:
        logger.setLevel(level)


def _full(listing: _Listing) -> ModelError:
    return ModelError(
        "The disk is full: free {megabytes} MB in {directory} for {name}, or set HF_HOME to a folder on "
        "another disk.",
        megabytes=math.ceil(listing.left() / 1e6),
        directory=constants.HF_HUB_CACHE,
        name=listing.name,
    )
