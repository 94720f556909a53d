"""What of a run is drawn as lines: its steps and evaluations, and the samples of the machine.

A long line is thinned where it lies: of each of many equal spans SQLite picks the lowest and the highest
value, so that a spike of one step in a million is among them and a million rows never reach Python.
"""

import sqlite3
from typing import Any, Literal

from kobert_demo.database import Database

MOST_POINTS = 2_000  # of one line in one picture
Table = Literal["steps", "evaluations", "samples"]
X: dict[Table, str] = {"steps": "step", "evaluations": "step", "samples": "seconds"}
SAMPLE_ENDS = """
    SELECT * FROM samples WHERE run = :run AND seconds IN (
        (SELECT min(seconds) FROM samples WHERE run = :run),
        (SELECT max(seconds) FROM samples WHERE run = :run)
    ) ORDER BY seconds
"""


class Curves(Database):
    """The lines of the runs of one workspace."""

    def curve(
        self, run: str, table: Table, column: str, after: float = 0, most: int | None = None
    ) -> tuple[list[int], list[float | None]]:
        """Return the steps past `after` and one column's values at them; None where not finite.

        Args:
            most: of more points than these, only so many, the lowest and highest of each span among them.
        """
        rows = self._points(run, table, column, after, most)
        return [step for step, _ in rows], [value for _, value in rows]

    def add_sample(self, run: str, sample: dict[str, Any]) -> None:
        """Append what the machine did: a row of the `samples` table without its run."""
        columns = ", ".join(sample)
        places = ", ".join(f":{column}" for column in sample)
        sql = f"INSERT INTO samples (run, {columns}) VALUES (:run, {places})"
        self._write(sql, run=run, **sample)

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
        return self._read(SAMPLE_ENDS, run=run)

    def _points(
        self, run: str, table: Table, column: str, after: float, most: int | None
    ) -> list[sqlite3.Row]:
        limit = -1 if most is None else most + 1
        rows = self._rows(_whole(table, column), run=run, after=after, limit=limit)
        if most is None or len(rows) <= most:
            return rows
        return self._rows(_thinned(table, column), run=run, after=after, most=most)


def _whole(table: Table, column: str) -> str:
    """Return the query for the points past `:after`, at most `:limit` (-1: all), in order."""
    x = X[table]
    return (
        f"SELECT {x}, {column} FROM {table} "
        f"WHERE run = :run AND {x} > :after ORDER BY {x} LIMIT :limit"
    )


def _thinned(table: Table, column: str) -> str:
    """Return the query for at most `:most` of the points past `:after`, in order.

    They are the first, the last, and the lowest and the highest of each span. A span without any value
    gives one point without a value. (SQLite takes a bare column from the row of the minimum or maximum.)
    """
    x = X[table]
    here = f"FROM {table} WHERE run = :run AND {x}"
    span = f"{here} >= low AND {x} < low + size"
    return f"""
        WITH RECURSIVE
        ends AS (SELECT (SELECT min({x}) {here} > :after) AS first, (SELECT max({x}) {here}) AS last),
        spans(low, size) AS (
            SELECT first, 1.0 * (last - first) / (:most / 2 - 2) FROM ends
            UNION ALL SELECT low + size, size FROM spans, ends WHERE low + size <= last
        ),
        kept AS (
            SELECT (SELECT {x} FROM (SELECT {x}, min({column}) {span})) AS {x} FROM spans
            UNION SELECT (SELECT {x} FROM (SELECT {x}, max({column}) {span})) FROM spans
            UNION SELECT first FROM ends UNION SELECT last FROM ends
        )
        SELECT {x}, {column} FROM {table} JOIN kept USING ({x}) WHERE run = :run ORDER BY {x}
    """
