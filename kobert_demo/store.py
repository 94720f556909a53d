"""The run store: every run, its steps and its evaluations. It knows nothing of training or of processes."""

import json
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from kobert_demo.curves import Curves
from kobert_demo.errors import RunError
from kobert_demo.language import Message

Status = Literal["queued", "running", "finished", "stopped", "failed", "lost", "imported"]
Row = dict[str, Any]

SPARKLINE_BINS = 20  # each shown by its lowest and its highest loss

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


class RunStore(Curves):
    """The runs of one workspace."""

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
        return [
            _run(row)
            for row in self._read(f"{RUNS} ORDER BY runs.created_at DESC, runs.place DESC")
        ]

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

    def rewind(self, run: str, step: int, evaluated: int) -> None:
        """Forget steps past `step` and evaluations past step `evaluated`: they are taken again."""
        for table, last in (("steps", step), ("evaluations", evaluated)):
            self._write(f"DELETE FROM {table} WHERE run = ? AND step > ?", run, last)

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

    def swap(self, run: str, other: str) -> bool:
        """Let two waiting runs change places in the queue; say whether both still waited."""
        with self._transaction() as connection:
            # Neither can take the other's place first, so both step aside, below 0.
            sql = "UPDATE runs SET place = -place WHERE status = 'queued' AND run IN (?, ?)"
            if connection.execute(sql, (run, other)).rowcount < 2:
                connection.rollback()
                return False
            sql = "SELECT -sum(place) FROM runs WHERE place < 0"
            (both,) = connection.execute(sql).fetchone()
            connection.execute("UPDATE runs SET place = place + ? WHERE place < 0", (both,))
            return True

    def describe(self, run: str, name: str, tags: Iterable[str], note: str) -> None:
        """Write down what people call a run and say of it."""
        self._write(
            "UPDATE runs SET name = ?, tags = ?, note = ? WHERE run = ?",
            *(name, json.dumps(list(tags), ensure_ascii=False), note, run),
        )

    def delete(self, run: str) -> bool:
        """Forget a run that has ended, and all that belongs to it; say whether it was one."""
        with self._transaction() as connection:
            deleted = connection.execute(
                "DELETE FROM runs WHERE run = ? AND status NOT IN ('queued', 'running')", (run,)
            ).rowcount
            of_runs = connection.execute(
                "SELECT tables.name FROM sqlite_schema AS tables "
                "JOIN pragma_table_info(tables.name) AS columns ON columns.name = 'run' "
                "WHERE tables.type = 'table' AND tables.name <> 'runs'"
            ).fetchall()
            for (table,) in of_runs if deleted else ():
                connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
        return deleted == 1

    def set_bundle(self, run: str, bundle: str | None) -> None:
        self._write("UPDATE runs SET bundle = ? WHERE run = ?", bundle, run)

    def add_steps(self, run: str, steps: Iterable[Row]) -> None:
        """Append training steps, each a row of the `steps` table without its run."""
        with self._transaction() as connection:
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

    def active(self) -> set[str]:
        """Return the ids of the runs that wait or train: the cheapest look at what goes on."""
        rows = self._read("SELECT run FROM runs WHERE status IN ('queued', 'running')")
        return {row["run"] for row in rows}

    def sparklines(self, runs: Iterable[Run]) -> dict[str, list[float]]:
        """Return the training loss of each run in a few points, the spikes among them.

        Those of runs that have ended are kept, so that a list of a thousand opens at once.
        """
        kept = {row["run"]: row for row in self._read("SELECT * FROM sparklines")}
        lines, fresh = {}, []
        for run in runs:
            found = kept.get(run.run)
            if found and found["step"] == run.step:
                lines[run.run] = json.loads(found["losses"])
                continue
            lines[run.run] = self._sparkline(run)
            if not run.active:
                fresh.append((run.run, run.step, json.dumps(lines[run.run])))
        if fresh:
            with self._transaction() as connection:
                connection.executemany("INSERT OR REPLACE INTO sparklines VALUES (?, ?, ?)", fresh)
        return lines

    def _sparkline(self, run: Run) -> list[float]:
        """Return each step's loss, or the lowest and the highest of each of `SPARKLINE_BINS` bins."""
        size = -(-run.step // SPARKLINE_BINS)
        sql = "SELECT min(loss) AS low, max(loss) AS high FROM steps WHERE run = ? AND step BETWEEN ? AND ?"
        bins = [
            self._read(sql, run.run, first, first + max(size, 1) - 1)[0]
            for first in range(1, run.step + 1, max(size, 1))
        ]
        columns = ("low",) if size <= 1 else ("high", "low")
        return [bin[column] for bin in bins for column in columns if bin[column] is not None]


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
