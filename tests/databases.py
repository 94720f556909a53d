"""A database of a test's own, of each kind that the run store can be kept in."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.postgresql import TEST_URL

KINDS = ("sqlite", "postgresql")


@contextmanager
def new_database(kind: str, directory: Path) -> Iterator[Path | str]:
    """Yield where a new database is: a SQLite file that is not there yet, or a URL with an empty schema."""
    if kind == "sqlite":
        yield directory / "new" / "runs.sqlite"
    else:
        with new_schema(server_url()) as url:
            yield url


def server_url() -> str:
    """Return the URL of the PostgreSQL server that is there for the tests, or skip the test."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (requirements-cluster.txt)")
    url = os.environ.get(TEST_URL)
    if not url:
        pytest.skip(
            f"{TEST_URL} names no PostgreSQL server (python -m tests.postgresql starts one)"
        )
    return url


@contextmanager
def new_schema(url: str) -> Iterator[str]:
    """Yield the URL of an empty schema of a server's database; it is dropped afterwards."""
    import psycopg

    schema = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    try:
        yield f"{url}?options=-csearch_path%3D{schema}"
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
