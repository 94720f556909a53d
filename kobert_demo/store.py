"""The run store: one SQLite file with every run, its steps and its evaluations.

It knows nothing of training or of processes. Readers and one writer work at the same time (WAL).
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kobert_demo.errors import RunError
from kobert_demo.language import Message
from kobert_demo.schema import bring_up_to_date

Status = Literal["queued", "running", "finished", "stopped", "failed", "lost", "imported"]
Table = Literal["steps", "evaluations"]
Row = dict[str, Any]

RUNS = """
SELECT runs.*, last.step, last.epoch, last.sentences, last.seconds,
    best.accuracy, best.macro_f1, best.loss, best.step AS best_step,
    (SELECT count(*) FROM runs AS other
     WHERE runs.status = 'queued' AND other.status = 'queued' AND other.place <= runs.place) AS waiting
FROM runs
LEFT JOIN steps AS last ON last.run = runs.run
    AND last.step = (SELECT max(step) FROM steps WHERE run = runs.run)
LEFT JOIN evaluations AS best ON best.run = runs.run
    AND best.step = (SELECT step FROM evaluations WHERE run = runs.run
                     ORDER BY macro_f1 DESC, loss, step LIMIT 1)
"""


@dataclass(frozen=True)
class Run:
    """One run as the store knows it.

    Attributes:
        record: what was frozen at launch: `config`, `data`, `labels`, `versions` and more.
        step, steps: optimizer steps done and planned.
        sentences, seconds: trained on so far, and the time that took without evaluations.
        accuracy, macro_f1, loss, best_step: of the best evaluation by macro-F1; None before the first.
        bundle: the name of the best model's directory within the run's directory.
        waiting: the place in the queue from 1; 0 where the run does not wait.
        created_at, started_at, ended_at: seconds since 1970; the last start where there were several.
        spent: seconds between start and end, of earlier starts.
        device: what it trains on, such as `cpu` or `cuda:1`; None before the first start.
        tags, note: what people wrote about it.
    """

    run: str
    name: str
    status: Status
    record: Row
    step: int
    steps: int
    epoch: int
    sentences: int
    seconds: float
    accuracy: float | None
    macro_f1: float | None
    loss: float | None
    best_step: int | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    pid: int | None
    stop_requested: bool
    bundle: str | None
    error: Message | None
    waiting: int
    tags: tuple[str, ...]
    note: str
    device: str | None
    spent: float

    @property
    def active(self) -> bool:
        return self.status in ("queued", "running")


class RunStore:
    """The runs of one workspace.

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

    def _write(self, sql: str, *values: object) -> int:
        """Run one statement in a transaction; return how many rows it changed."""
        with self._saying_what_is_wrong(), self._connection() as connection:
            return connection.execute(sql, values).rowcount

    def _read(self, sql: str, *values: object) -> list[Row]:
        with self._saying_what_is_wrong():
            return [dict(row) for row in self._connection().execute(sql, values)]

    def add(self, run: str, name: str, record: Row, steps: int) -> None:
        """Put a new run at the end of the queue."""
        self._write(
            "INSERT INTO runs (run, name, status, record, steps, created_at) "
            "VALUES (?, ?, 'queued', ?, ?, ?)",
            *(run, name, json.dumps(record, ensure_ascii=False), steps, time.time()),
        )

    def add_imported(self, run: str, name: str, record: Row, bundle: str) -> None:
        """Add a run that nothing trained here: it has a bundle from the start."""
        self._write(
            "INSERT INTO runs (run, name, status, record, steps, created_at, bundle) "
            "VALUES (?, ?, 'imported', ?, 0, ?, ?)",
            *(run, name, json.dumps(record, ensure_ascii=False), time.time(), bundle),
        )

    def runs(self) -> list[Run]:
        """Return all runs, the newest first."""
        return [_run(row) for row in self._read(f"{RUNS} ORDER BY runs.place DESC")]

    def run(self, run: str) -> Run:
        """Return one run.

        Raises:
            RunError: there is none of this id.
        """
        rows = self._read(f"{RUNS} WHERE runs.run = ?", run)
        if not rows:
            raise RunError("There is no run {run}: list the runs to see their ids.", run=run)
        return _run(rows[0])

    def set_pid(self, run: str, pid: int) -> None:
        self._write("UPDATE runs SET pid = ? WHERE run = ?", pid, run)

    def claim(self, run: str, device: str) -> bool:
        """Start `run` if it is the first of the queue and the device is free; say whether it did."""
        try:
            return (
                self._write(
                    "UPDATE runs SET status = 'running', started_at = ?, device = ? WHERE run = ? "
                    "AND status = 'queued' AND NOT EXISTS "
                    "(SELECT 1 FROM runs WHERE status = 'running' AND device = ?) "
                    "AND place = (SELECT min(place) FROM runs WHERE status = 'queued')",
                    *(time.time(), device, run, device),
                )
                == 1
            )
        except sqlite3.IntegrityError:  # another worker was faster
            return False

    def requeue(self, run: str) -> bool:
        """Put a run that ended unfinished at the end of the queue; say whether it was one."""
        return (
            self._write(
                "UPDATE runs SET status = 'queued', place = (SELECT max(place) + 1 FROM runs), "
                "spent = spent + coalesce(ended_at - started_at, 0), started_at = NULL, "
                "ended_at = NULL, pid = NULL, stop_requested = 0, error = NULL "
                "WHERE run = ? AND status IN ('stopped', 'failed', 'lost')",
                run,
            )
            == 1
        )

    def rewind(self, run: str, step: int) -> None:
        """Forget steps and evaluations past `step`: they are taken again."""
        for table in ("steps", "evaluations"):
            self._write(f"DELETE FROM {table} WHERE run = ? AND step > ?", run, step)

    def best_step(self, run: str, until: int) -> int | None:
        """Return the step of the best evaluation by macro-F1, then loss, of those up to step `until`."""
        rows = self._read(
            "SELECT step FROM evaluations WHERE run = ? AND step <= ? "
            "ORDER BY macro_f1 DESC, loss, step LIMIT 1",
            *(run, until),
        )
        return rows[0]["step"] if rows else None

    def end(self, run: str, status: Status, error: Message | None = None) -> bool:
        """End an active run; say whether it was one."""
        return (
            self._write(
                "UPDATE runs SET status = ?, ended_at = ?, error = ? "
                "WHERE run = ? AND status IN ('queued', 'running')",
                *(status, time.time(), _pack(error), run),
            )
            == 1
        )

    def request_stop(self, run: str) -> None:
        self._write("UPDATE runs SET stop_requested = 1 WHERE run = ?", run)

    def stop_requested(self, run: str) -> bool:
        rows = self._read("SELECT stop_requested FROM runs WHERE run = ?", run)
        return bool(rows[0]["stop_requested"])

    def set_bundle(self, run: str, bundle: str | None) -> None:
        self._write("UPDATE runs SET bundle = ? WHERE run = ?", bundle, run)

    def add_steps(self, run: str, steps: Iterable[Row]) -> None:
        """Append training steps, each a row of the `steps` table without its run."""
        with self._saying_what_is_wrong(), self._connection() as connection:
            connection.executemany(
                "INSERT INTO steps VALUES (:run, :step, :epoch, :loss, :accuracy, :learning_rate, "
                ":grad_norm, :sentences, :seconds)",
                [{"run": run, **step} for step in steps],
            )

    def add_evaluation(self, run: str, evaluation: Row) -> None:
        """Append an evaluation; `confusion` is a nested list."""
        self._write(
            "INSERT INTO evaluations VALUES (?, ?, ?, ?, ?, ?, ?)",
            run,
            *(evaluation[name] for name in ("step", "epoch", "loss", "accuracy", "macro_f1")),
            json.dumps(evaluation["confusion"]),
        )

    def steps(self, run: str, after: int = 0) -> list[Row]:
        """Return the training steps past step `after`, in order."""
        return self._read(
            "SELECT * FROM steps WHERE run = ? AND step > ? ORDER BY step", run, after
        )

    def evaluations(self, run: str, after: int = 0) -> list[Row]:
        """Return the evaluations past step `after`, in order."""
        rows = self._read(
            "SELECT * FROM evaluations WHERE run = ? AND step > ? ORDER BY step", run, after
        )
        return [{**row, "confusion": json.loads(row["confusion"])} for row in rows]

    def curve(
        self, run: str, table: Table, column: str, after: int = 0
    ) -> tuple[list[int], list[float | None]]:
        """Return the steps past `after` and one column's values at them; None where not finite."""
        rows = self._read(
            f"SELECT step, {column} AS value FROM {table} WHERE run = ? AND step > ? ORDER BY step",
            *(run, after),
        )
        return [row["step"] for row in rows], [row["value"] for row in rows]


def _pack(message: Message | None) -> str | None:
    if message is None:
        return None
    values = {name: str(value) for name, value in message.values.items()}
    return json.dumps({"text": message.text, "values": values}, ensure_ascii=False)


def _run(row: Row) -> Run:
    del row["place"]
    row["record"] = json.loads(row["record"])
    row["error"] = Message(**json.loads(row["error"])) if row["error"] else None
    row["tags"] = tuple(json.loads(row["tags"]))
    row["stop_requested"] = bool(row["stop_requested"])
    counts = {name: row[name] or 0 for name in ("step", "epoch", "sentences", "seconds")}
    return Run(**{**row, **counts})
