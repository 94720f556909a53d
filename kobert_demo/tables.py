"""The tables of the run store, as its queries name them; `schema` is what makes and changes them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Double,
    MetaData,
    Table,
    Text,
    func,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

METADATA = MetaData()


def _table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, METADATA, *columns)


def _whole(*names: str, key: bool = False) -> list[Column[Any]]:
    return [Column(name, BigInteger, primary_key=key) for name in names]


def _real(*names: str, key: bool = False) -> list[Column[Any]]:
    return [Column(name, Double, primary_key=key) for name in names]


def _text(*names: str, key: bool = False) -> list[Column[Any]]:
    return [Column(name, Text, primary_key=key) for name in names]


runs = _table(
    "runs",
    *_whole("place", key=True),
    *_text("run", "name", "status", "record"),
    *_whole("steps"),
    *_real("created_at", "started_at", "ended_at"),
    *_whole("pid", "stop_requested"),
    *_text("bundle", "error", "tags", "note", "device"),
    *_real("spent"),
    *_text("host"),
    *_real("seen_at"),
    *_text("queue", "notice"),
)
holds = _table("holds", *_text("host", "device", key=True), *_text("run"))
steps = _table(
    "steps",
    *_text("run", key=True),
    *_whole("step", key=True),
    *_whole("epoch"),
    *_real("loss", "accuracy", "learning_rate", "grad_norm"),
    *_whole("sentences"),
    *_real("seconds"),
)
evaluations = _table(
    "evaluations",
    *_text("run", key=True),
    *_whole("step", key=True),
    *_whole("epoch"),
    *_real("loss", "accuracy", "macro_f1"),
    *_text("confusion"),
)
samples = _table(
    "samples",
    *_text("run", key=True),
    *_real("seconds", key=True),
    *_real("sentences_per_second", "cpu", "own_cpu", "memory", "own_memory"),
    *_real("gpu", "gpu_memory", "gpu_temperature", "gpu_power"),
)
sparklines = _table("sparklines", *_text("run", key=True), *_whole("step"), *_text("losses"))


def next_place(dialect: Dialect) -> ColumnElement[int]:
    """Return a place behind every other in the queue, as a new row's is."""
    if dialect.name == "sqlite":  # which gives a new row one more than the highest
        return select(func.max(runs.c.place) + 1).scalar_subquery()
    return func.nextval(func.pg_get_serial_sequence("runs", "place"))


class DatabaseTime(FunctionElement[float]):
    """Seconds since 1970 by the database's clock: one for all servers, whatever theirs say."""

    type = Double()
    inherit_cache = True


@compiles(DatabaseTime, "sqlite")
def _of_sqlite(*_: object, **__: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(DatabaseTime, "postgresql")
def _of_postgresql(*_: object, **__: object) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"
