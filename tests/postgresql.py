"""`python -m tests.postgresql COMMAND...`: runs a command beside a PostgreSQL server of its own.

The server listens on a free port of the loopback and is gone, with its data, when the command has ended.
Its URL is in `KOBERT_DEMO_TEST_DATABASE_URL`; each test takes a schema of its own.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEST_URL = "KOBERT_DEMO_TEST_DATABASE_URL"


def binaries() -> Path | None:
    """Return where the server's programs lie: on the path, or where Debian has them."""
    found = shutil.which("pg_ctl")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return Path(found).parent if found else debian[-1].parent if debian else None


class Server:
    """A server with its data in `directory`, which is empty; root starts it as the user `postgres`."""

    def __init__(self, directory: Path, programs: Path) -> None:
        self._data, self._programs = directory / "data", programs
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres")
        self._run("initdb", "--username=tester", "--auth=trust", "--encoding=UTF8", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql://tester@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self._port} -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "--wait", f"--log={self._data}.log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "--wait", "--mode=fast", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        as_other = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
        command = [*as_other, str(self._programs / program), f"--pgdata={self._data}", *arguments]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=120)


@contextmanager
def running_server(programs: Path) -> Iterator[Server]:
    """Yield a server that has started, and end it."""
    with tempfile.TemporaryDirectory(prefix="kobert-postgresql-") as directory:
        server = Server(Path(directory), programs)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def main(command: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is ended too
    programs = binaries()
    if programs is None:
        sys.exit("There is no PostgreSQL: install Debian's package postgresql.")
    with running_server(programs) as server:
        return subprocess.run(command, env={**os.environ, TEST_URL: server.url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
