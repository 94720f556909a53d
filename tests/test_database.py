"""The database: made and brought up to date, and what is said where it cannot be used."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect

from kobert_demo import database
from kobert_demo.errors import RunError
from kobert_demo.schema import MIGRATIONS, bring_up_to_date
from kobert_demo.store import RunStore
from kobert_demo.tables import METADATA
from tests.databases import new_schema, server_url
from tests.postgresql import binaries, running_server


def test_a_damaged_file_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    first = RunStore(path)
    for number in range(200):
        first.add(f"run {number}", "x" * 200, {}, steps=1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    first.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(RunError, match="cannot be used"):
        RunStore(path).runs()


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "runs.sqlite") as old:
        old.executescript(MIGRATIONS[0])
        old.execute(
            "INSERT INTO runs (run, name, status, record, steps, created_at) "
            "VALUES ('r', 'old', 'finished', '{}', 10, 1.0)"
        )
    old.close()
    run = RunStore(tmp_path / "runs.sqlite").run("r")
    assert (run.name, run.tags, run.note) == ("old", (), "")
    again = RunStore(tmp_path / "runs.sqlite").run("r")
    assert again == run


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_file_of_every_version_keeps_its_runs(tmp_path: Path, version: int) -> None:
    with sqlite3.connect(tmp_path / "runs.sqlite") as old:
        for migration in MIGRATIONS[:version]:
            old.executescript(migration)
        old.execute(f"PRAGMA user_version = {version}")
        old.execute(
            "INSERT INTO runs (run, name, status, record, steps, created_at) "
            "VALUES ('r', 'old', 'finished', '{}', 10, 1.0)"
        )
        old.execute("INSERT INTO steps (run, step, epoch, loss) VALUES ('r', 10, 1, 0.5)")
    old.close()
    store = RunStore(tmp_path / "runs.sqlite")
    assert (store.run("r").name, store.run("r").step, store.run("r").host) == ("old", 10, "")
    assert store.curve("r", "steps", "loss") == ([10], [0.5])
    assert store.end("r", "lost") is False


def test_a_file_of_a_later_version_stays_one(tmp_path: Path) -> None:
    path, later = tmp_path / "runs.sqlite", len(MIGRATIONS) + 1
    with sqlite3.connect(path) as file:
        for migration in MIGRATIONS:
            file.executescript(migration)
        file.execute(f"PRAGMA user_version = {later}")
    RunStore(path).add("one", "one", {}, steps=1)
    assert file.execute("PRAGMA user_version").fetchone() == (later,)


def test_the_tables_are_as_the_queries_name_them(where: Path | str) -> None:
    with RunStore(where)._transaction() as connection:
        found = inspect(connection)
        for name, table in METADATA.tables.items():
            assert [column["name"] for column in found.get_columns(name)] == table.c.keys(), name
            key = found.get_pk_constraint(name)["constrained_columns"]
            assert key == table.primary_key.columns.keys(), name


def test_servers_that_start_at_once_make_one_database(where: Path | str) -> None:
    engine = database._file if isinstance(where, Path) else database._server
    if isinstance(where, Path):
        where.parent.mkdir()
    together, failed = threading.Barrier(8), []

    def start() -> None:
        connections = engine(where)  # type: ignore[arg-type]
        together.wait()
        try:
            with connections.connect() as connection:
                bring_up_to_date(connection)
        except Exception as error:
            failed.append(error)
        connections.dispose()

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    store = RunStore(where)
    store.add("a", "a", {}, steps=1)
    assert [run.run for run in store.runs()] == ["a"]
    store.close()


def test_a_workspace_that_was_removed_under_a_running_app_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "workspace" / "runs.sqlite"
    store = RunStore(path)
    store.add("a", "a", {}, steps=1)
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    assert store.runs() == []
    store.add("b", "b", {}, steps=1)
    assert [run.run for run in RunStore(path).runs()] == ["b"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:s3cret@127.0.0.1:1/runs", "see that its server runs"),
        ("postgresql://me:s3cret@nowhere@127.0.0.1:1/runs", "see that its server runs"),
        ("mysql://me:s3cret@127.0.0.1/runs", "no address of a PostgreSQL database"),
        ("me:s3cret@127.0.0.1", "no address of a PostgreSQL database"),
        ("postgresql://me:s3cret@127.0.0.1:port/runs", "no address of a PostgreSQL database"),
    ],
)
def test_a_database_out_of_reach_is_said_without_its_password(url: str, said: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(RunError, match=said) as raised:
        RunStore(url).runs()
    assert "KOBERT_DEMO_DATABASE_URL" in str(raised.value)
    for language in ("ko", "en"):
        assert "s3cret" not in raised.value.in_language(language)  # type: ignore[arg-type]
    assert raised.value.in_language("ko") != str(raised.value)


def test_a_user_without_rights_is_told_so() -> None:
    """PostgreSQL 15 lets nobody but its owner make tables in the schema `public`."""
    with new_schema(server_url()) as url, RunStore(url)._transaction() as connection:
        connection.exec_driver_sql("CREATE ROLE stranger LOGIN")
    try:
        with pytest.raises(RunError, match="its user may create tables"):
            RunStore(server_url().replace("tester@", "stranger@")).runs()
    finally:
        with new_schema(server_url()) as url, RunStore(url)._transaction() as connection:
            connection.exec_driver_sql("DROP ROLE stranger")


@pytest.fixture
def restarting() -> Iterator[tuple[str, object]]:
    pytest.importorskip("psycopg", reason="psycopg is not installed (requirements-cluster.txt)")
    programs = binaries()
    if programs is None:
        pytest.skip("there is no PostgreSQL here")
    with running_server(programs) as server:
        yield server


def test_a_server_that_starts_again_is_read_from_again(restarting) -> None:
    store = RunStore(restarting.url)
    store.add("a", "a", {}, steps=1)
    restarting.stop()
    with pytest.raises(RunError, match="see that its server runs"):
        store.runs()
    restarting.start()
    assert [run.run for run in store.runs()] == ["a"]
    restarting.stop()
    restarting.start()
    assert [run.run for run in store.runs()] == ["a"]
    store.close()
