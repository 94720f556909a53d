"""What of a run is drawn as lines: its steps and evaluations, and the samples of the machine.

A long line is thinned where it lies: of each of many equal spans the database picks the lowest and highest
value, so that a spike of one step in a million is among them and a million rows never reach Python.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Select, TextClause, bindparam, func, insert, or_, select, text

from kobert_demo.database import Database
from kobert_demo.tables import METADATA, evaluations, samples

MOST_POINTS = 2_000  # of one line in one picture
Table = Literal["steps", "evaluations", "samples"]
X: dict[Table, str] = {"steps": "step", "evaluations": "step", "samples": "seconds"}
LAST_EVALUATION = (
    select(evaluations.c.loss, evaluations.c.accuracy)
    .where(evaluations.c.run == bindparam("run"))
    .order_by(evaluations.c.step.desc())
    .limit(1)
)


def drawable(values: Sequence[float | None]) -> list[float | None]:
    """Return the values of a line as a browser can read them: None for what is no finite number."""
    return [value if value is not None and math.isfinite(value) else None for value in values]


class Curves(Database):
    """The lines of the runs of one workspace."""

    def curve(
        self, run: str, table: Table, column: str, after: float = 0, most: int | None = None
    ) -> tuple[list[int], list[float | None]]:
        """Return the steps past `after` and one column's values at them; None where not finite.

        Args:
            most: of more points than these, only so many, the lowest and highest of each span among them.
        """
        rows = self._points(run, table, column, int(after), most)
        return [step for step, _ in rows], [value for _, value in rows]

    def add_sample(self, run: str, sample: dict[str, Any]) -> None:
        """Append what the machine did: a row of the `samples` table without its run."""
        self._write(insert(samples), [{"run": run, **sample}])

    def samples(
        self, run: str, column: str, after: float = -1, most: int | None = None
    ) -> tuple[list[float], list[float]]:
        """Return the seconds of training past `after` at which a column has a value, and the values.

        Args:
            most: as for `curve`.
        """
        rows = self._points(run, "samples", column, after, most)
        known = [(second, value) for second, value in rows if value is not None]
        return [second for second, _ in known], [value for _, value in known]

    def sample_ends(self, run: str) -> list[dict[str, Any]]:
        """Return the first and the last sample of a run: one where it has one, none before it."""
        return self._read(_ends(), run=run)

    def last_evaluation(self, run: str) -> tuple[float | None, float | None]:
        """Return loss and accuracy of the newest evaluation; None where there is none yet."""
        rows = self._rows(LAST_EVALUATION, run=run)
        return (rows[0][0], rows[0][1]) if rows else (None, None)

    def _points(
        self, run: str, table: Table, column: str, after: float, most: int | None
    ) -> Sequence[Any]:
        where = {"run": run, "after": after}
        if most is None:
            return self._rows(_whole(table, column), **where)
        rows = self._rows(_first(table, column), **where, most=most + 1)
        if len(rows) <= most:
            return rows
        thinned = _thinned(table, column, isinstance(self._where, Path))
        return self._rows(thinned, **where, gaps=most // 2 - 2)


@lru_cache
def _ends() -> Select[Any]:
    """Return the query for the first and the last sample."""
    seconds, mine = samples.c.seconds, samples.c.run == bindparam("run")
    ends = [select(end(seconds)).where(mine).scalar_subquery() for end in (func.min, func.max)]
    return select(samples).where(mine, or_(*(seconds == end for end in ends))).order_by(seconds)


@lru_cache
def _whole(table: Table, column: str) -> Select[Any]:
    """Return the query for the points past `:after`, in order."""
    columns = METADATA.tables[table].c
    x = columns[X[table]]
    past = (columns.run == bindparam("run"), x > bindparam("after"))
    return select(x, columns[column]).where(*past).order_by(x)


@lru_cache
def _first(table: Table, column: str) -> Select[Any]:
    """Return the query for the first `:most` of them."""
    return _whole(table, column).limit(bindparam("most"))


@lru_cache
def _thinned(table: Table, column: str, sqlite: bool) -> TextClause:
    """Return the query for few of the points past `:after`, in order: those of `:gaps` + 1 spans.

    They are the first, the last, and the lowest and the highest of each span. A span without any value
    gives one point without a value. SQLite takes a bare column from the row of the minimum or maximum,
    which is several times as fast there as the sorting that PostgreSQL is asked for.
    """
    x = X[table]
    # A span of steps is a whole number: PostgreSQL's index of steps is of no use for others.
    least = 0 if table == "samples" else 1
    here = f"FROM {table} WHERE run = :run AND {x}"
    span = f"{here} >= low AND {x} < low + size"
    if sqlite:
        lowest, highest = (
            f"SELECT {x} FROM (SELECT {x}, {end}({column}) {span})" for end in ("min", "max")
        )
    else:
        lowest, highest = (
            f"SELECT {x} {span} ORDER BY {column} {order} NULLS LAST, {x} LIMIT 1"
            for order in ("ASC", "DESC")
        )
    return text(f"""
        WITH RECURSIVE
        ends AS (
            SELECT (SELECT min({x}) {here} > :after) AS first, (SELECT max({x}) {here} > :after) AS last
        ),
        spans(low, size) AS (
            SELECT first, (last - first) / :gaps + {least} FROM ends
            UNION ALL SELECT low + size, size FROM spans, ends WHERE low + size <= last
        ),
        kept AS (
            SELECT ({lowest}) AS {x} FROM spans UNION SELECT ({highest}) FROM spans
            UNION SELECT first FROM ends UNION SELECT last FROM ends
        )
        SELECT {x}, {column} FROM {table} JOIN kept USING ({x}) WHERE run = :run ORDER BY {x}
    """)
