"""The database of a workspace's runs: a SQLite file (WAL), or PostgreSQL for several app servers.

Processes and threads read and write it at the same time.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from socket import gethostname
from typing import Any

from sqlalchemy import URL, Connection, Engine, Executable, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kobert_demo.errors import RunError
from kobert_demo.schema import bring_up_to_date

VARIABLE = "KOBERT_DEMO_DATABASE_URL"
PATIENCE = 30  # seconds for a lock of SQLite
ANSWER = 5  # seconds for a server to answer at all
Rows = list[dict[str, Any]]


class Database:
    """A database, brought up to date when it is first opened.

    Args:
        where: a SQLite file, made where it is missing; or the URL of a PostgreSQL database, which may
            carry a password, so that no message shows it.
        host: the machine whose runs this is the store of. A file is one machine's, which needs no name.
    """

    def __init__(self, where: Path | str, host: str | None = None) -> None:
        self._where = where
        self.host = (gethostname() if isinstance(where, str) else "") if host is None else host

    def close(self) -> None:
        """Give back the connections that wait for the next statement."""
        _engine_of(self._where).dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Yield a connection whose changes are all made, or none of them where something fails.

        Raises:
            RunError: the database cannot be reached, made or read.
        """
        try:
            with self._connected() as connection, connection.begin():
                yield connection
        except (IntegrityError, ProgrammingError):
            raise
        except (DBAPIError, PoolTimeout) as error:
            raise self._unusable(error) from error

    def _connected(self) -> Connection:
        """Return a connection to close; what fails here is never the statement's fault."""
        try:
            return _engine_of(self._where).connect()
        except (OSError, DBAPIError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> RunError:
        if isinstance(self._where, Path):
            return RunError(
                "The workspace {folder} cannot be used ({reason}): choose another directory.",
                folder=self._where.parent,
                reason=getattr(error, "orig", error),
            )
        # Not in the driver's words: they may hold a piece of a password that was written wrongly.
        return RunError(
            "The database of the runs cannot be used: see that its server runs, that {variable} is its "
            "address, and that its user may create tables.",
            variable=VARIABLE,
        )

    def _write(self, statement: Executable, rows: Sequence[dict[str, Any]] | None = None) -> int:
        """Run one statement in a transaction, once or for each of `rows`; return how many it changed."""
        with self._transaction() as connection:
            return connection.execute(statement, rows).rowcount

    def _read(self, statement: Executable, **values: object) -> Rows:
        with self._transaction() as connection:
            found = connection.execute(statement, values)
            names = tuple(found.keys())
            return [dict(zip(names, row, strict=True)) for row in found]

    def _rows(self, statement: Executable, **values: object) -> Sequence[Any]:
        with self._transaction() as connection:
            return connection.execute(statement, values).fetchall()


def _engine_of(where: Path | str) -> Engine:
    return _engine(where, _inode(where) if isinstance(where, Path) else 0)


def _inode(path: Path) -> int:
    """Return which file lies at `path`, a new one where a workspace was removed under a running app."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path.stat().st_ino


@lru_cache(maxsize=8)
def _engine(where: Path | str, _inode: int) -> Engine:
    """Return the connections to a database; every store of a process shares them.

    Raises:
        RunError: the address is none of PostgreSQL, or its driver is missing.
    """
    engine = _file(where) if isinstance(where, Path) else _server(where)
    with engine.connect() as connection:
        bring_up_to_date(connection)
    return engine


def _file(path: Path) -> Engine:
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, connect_args={"timeout": PATIENCE})

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: object) -> None:
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Let readers and a writer go on beside each other; of several who switch at once, all but one wait.

    SQLite does not wait for this by itself.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _server(address: str) -> Engine:
    try:
        url = make_url(address)
        if url.get_backend_name() not in ("postgresql", "postgres"):
            raise ArgumentError
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,  # a server that was started again is connected to again
            connect_args={"connect_timeout": ANSWER},
        )
    except (ArgumentError, ValueError):
        raise RunError(
            "{variable} is no address of a PostgreSQL database: write it as "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
            variable=VARIABLE,
        ) from None
    except ImportError:
        raise RunError(
            "PostgreSQL needs one more package: run pip install -r requirements-cluster.txt."
        ) from None
