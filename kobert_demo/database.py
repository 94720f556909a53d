"""One SQLite file that several processes and threads read and write at the same time (WAL)."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kobert_demo.errors import RunError
from kobert_demo.schema import bring_up_to_date


class Database:
    """A workspace's file, brought up to date when it is first opened.

    Args:
        path: the SQLite file; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        """Return this thread's connection: SQLite's are not shared between threads.

        Raises:
            RunError: the file cannot be made or read.
        """
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._saying_what_is_wrong():
                connection = self._open()
            self._local.connection = connection
        return connection

    @contextmanager
    def _saying_what_is_wrong(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise
        except (OSError, sqlite3.DatabaseError) as error:
            raise RunError(
                "The workspace {folder} cannot be used ({reason}): choose another directory.",
                folder=self._path.parent,
                reason=error,
            ) from error

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=30)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        bring_up_to_date(connection)
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection whose changes are all made, or none of them where something fails."""
        with self._saying_what_is_wrong(), self._connection() as connection:
            yield connection

    def _write(self, sql: str, *values: object, **named: object) -> int:
        """Run one statement in a transaction; return how many rows it changed."""
        with self._transaction() as connection:
            return connection.execute(sql, named or values).rowcount

    def _read(self, sql: str, *values: object, **named: object) -> list[dict[str, Any]]:
        return [dict(row) for row in self._rows(sql, *values, **named)]

    def _rows(self, sql: str, *values: object, **named: object) -> list[sqlite3.Row]:
        with self._saying_what_is_wrong():
            return self._connection().execute(sql, named or values).fetchall()
