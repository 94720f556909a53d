"""A Hugging Face hub on this machine, for the real client: repositories are directories of files.

It answers what the client asks of the hub, in the hub's own words, and fails where a test says so.
"""

import hashlib
import json
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LFS_SUFFIXES = {".safetensors", ".bin", ".msgpack", ".onnx", ".h5", ".model", ".spiece"}
LFS_BYTES = 1_000


@dataclass(frozen=True)
class Served:
    """One repository at one commit."""

    directory: Path
    commit: str

    def files(self) -> dict[str, Path]:
        paths = sorted(path for path in self.directory.rglob("*") if path.is_file())
        return {path.relative_to(self.directory).as_posix(): path for path in paths}

    def find(self, revision: str) -> str | None:
        """Return the commit that `revision` names; None where there is no such revision."""
        return self.commit if revision in ("main", self.commit) else None


@dataclass
class LoopbackHub:
    """A hub that serves as long as the `with` lasts.

    Attributes:
        status: every answer has this status.
        file_status: every answer about a file's content has this status.
        token: who shows another one sees no repository.
        gated: the repositories are listed, but their files are for members.
        portal: a network's sign-in page stands before the hub.
        cut_after: the connection breaks after so many bytes of a file...
        cuts: ...so many times; always where None.
        truncated: large files are announced and sent without their last byte.
        corrupt: large files are sent with another first byte.
        delay: seconds before each answer.
        requests: what was asked, such as `GET /owner/repo/resolve/main/config.json`.
        headers: what came with each request.
    """

    status: int | None = None
    file_status: int | None = None
    token: str | None = None
    gated: bool = False
    portal: bool = False
    cut_after: int | None = None
    cuts: int | None = None
    truncated: bool = False
    corrupt: bool = False
    delay: float = 0
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    repositories: dict[str, Served] = field(default_factory=dict)

    def add(self, repo: str, directory: Path, commit: str | None = None) -> str:
        """Serve a directory as `repo`, in place of what was served so; return its commit."""
        own = commit or hashlib.sha1(repo.encode()).hexdigest()
        self.repositories[repo] = Served(directory, own)
        return own

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_port}"

    @property
    def store(self) -> str:
        """Where large files are kept: another origin, as the real hub's, which is shown no token."""
        return f"http://127.0.0.1:{self._servers[1].server_port}"

    def asked(self, part: str) -> list[str]:
        """Return the requests that `part` occurs in."""
        return [request for request in self.requests if part in request]

    def contents(self) -> list[str]:
        """Return the requests that fetched a file's content."""
        return [request for request in self.asked("GET /") if "/api/" not in request]

    def __enter__(self) -> "LoopbackHub":
        hub = self

        class Handler(_Handler):
            def __init__(self, *arguments: Any) -> None:
                self.hub = hub
                super().__init__(*arguments)

        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
        for server in self._servers:
            server.daemon_threads = True
            Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LoopbackHub

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.hub
        hub.requests.append(f"{self.command} {self.path}")
        hub.headers.append({name.title(): value for name, value in self.headers.items()})
        time.sleep(hub.delay)
        url = urlsplit(self.path)
        if hub.portal:
            self._answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})
        elif hub.status:
            self._answer(hub.status)
        elif url.path == "/":
            self._answer(200, b"hub")
        elif url.path.startswith("/large/"):
            self._large(url.path.removeprefix("/large/"))
        elif url.path.startswith("/api/models/"):
            name, _, revision = url.path.removeprefix("/api/models/").partition("/revision/")
            self._model(name, unquote(revision or "main"), "blobs" in parse_qs(url.query))
        else:
            name, _, rest = url.path.removeprefix("/").partition("/resolve/")
            revision, _, file = rest.partition("/")
            self._file(name, unquote(revision), unquote(file))

    def _find(self, name: str, revision: str) -> tuple[Served, str] | None:
        """Return a repository and its commit, or answer why not."""
        shown = self.headers.get("Authorization")
        served = self.hub.repositories.get(name)
        if self.hub.token and shown != f"Bearer {self.hub.token}":
            served = None
        if served is None and shown is None:
            self._refuse(401, "", "Invalid username or password.")
        elif served is None:
            self._refuse(404, "RepoNotFound", "Repository not found")
        elif (commit := served.find(revision)) is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return served, commit
        return None

    def _model(self, name: str, revision: str, blobs: bool) -> None:
        if found := self._find(name, revision):
            served, commit = found
            siblings = [_sibling(file, path, blobs) for file, path in served.files().items()]
            info = {"_id": name, "id": name, "modelId": name, "sha": commit, "siblings": siblings}
            self._answer(200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def _file(self, name: str, revision: str, file: str) -> None:
        found = self._find(name, revision)
        if found is None:
            return
        served, commit = found
        path = served.files().get(file)
        if self.hub.gated:
            self._refuse(403, "GatedRepo", "Access to this model is restricted")
        elif path is None:
            self._refuse(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
        elif _is_large(path):
            sha = _sha256(path)
            headers = {
                "Location": f"{self.hub.store}/large/{sha}",
                "X-Repo-Commit": commit,
                "X-Linked-Etag": f'"{sha}"',
                "X-Linked-Size": str(path.stat().st_size),
            }
            self._answer(302, b"", headers)
        else:
            headers = {"X-Repo-Commit": commit, "ETag": f'"{_git_sha1(path)}"'}
            self._content(path.read_bytes(), headers)

    def _large(self, sha: str) -> None:
        paths = [p for served in self.hub.repositories.values() for p in served.files().values()]
        content = next(path for path in paths if _sha256(path) == sha).read_bytes()
        if self.hub.truncated:
            content = content[:-1]
        if self.hub.corrupt:
            content = bytes([content[0] ^ 1]) + content[1:]
        self._content(content, {"ETag": f'"{sha}"'})

    def _content(self, content: bytes, headers: dict[str, str]) -> None:
        if self.hub.file_status:
            self._answer(self.hub.file_status)
            return
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._answer(206 if start else 200, content[start:], headers, breaks=True)

    def _refuse(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        said = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
        self._answer(status, b"", {**said, **(headers or {})})

    def _answer(
        self,
        status: int,
        content: bytes = b"",
        headers: dict[str, str] | None = None,
        breaks: bool = False,
    ) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        hub = self.hub
        cut = hub.cut_after
        if breaks and cut is not None and cut < len(content) and hub.cuts != 0:
            hub.cuts = hub.cuts and hub.cuts - 1
            content = content[:cut]
            self.close_connection = True
        self.wfile.write(content)


def _sibling(name: str, path: Path, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": name}
    size = path.stat().st_size
    lfs = {"sha256": _sha256(path), "size": size, "pointerSize": 134} if _is_large(path) else None
    entry = {"rfilename": name, "size": size, "blobId": _git_sha1(path)}
    return {**entry, "lfs": lfs} if lfs else entry


def _is_large(path: Path) -> bool:
    return path.suffix in LFS_SUFFIXES and path.stat().st_size > LFS_BYTES


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _git_sha1(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
