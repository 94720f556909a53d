"""The run store: every run, its steps and its evaluations. It knows nothing of training or of processes."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Table, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from kobert_demo.errors import RunError
from kobert_demo.language import Message
from kobert_demo.run_query import all_runs, best_first, same_queue
from kobert_demo.sparklines import Sparklines
from kobert_demo.tables import (
    METADATA,
    DatabaseTime,
    evaluations,
    holds,
    next_place,
    runs,
    samples,
    steps,
)

Status = Literal["queued", "running", "finished", "stopped", "failed", "lost", "imported"]
Row = dict[str, Any]

ENDED = runs.c.status.not_in(("queued", "running"))
# Built once: to build a query and to look up its SQL takes several times as long as SQLite's answer.
NEWEST = all_runs().order_by(runs.c.created_at.desc(), runs.c.place.desc())
ONE = all_runs().where(runs.c.run == bindparam("run"))
STOP = select(runs.c.stop_requested).where(runs.c.run == bindparam("run"))
ACTIVE = select(runs.c.run).where(~ENDED)
TRAINS = exists().where(runs.c.run == holds.c.run, runs.c.status == "running")
HELD = select(holds.c.device).where(holds.c.host == bindparam("host"), TRAINS)
AFTER = {
    table: select(table)
    .where(table.c.run == bindparam("run"), table.c.step > bindparam("after"))
    .order_by(table.c.step)
    for table in (steps, evaluations)
}


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
        device: what it trains on, such as `cpu` or `cuda:0,cuda:1`; None before the first start.
        tags, note: what people wrote about it.
        host: the machine of its worker; empty in a SQLite file, which is one machine's.
        queue: what it waits for: the address of a cluster, or empty for its host's own devices.
        notice: what the run has to say while it goes on: why it waits, or what it went through.
        silent: seconds since its worker was last heard of; for other hosts, which cannot see its process.
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
    host: str = ""
    queue: str = ""
    notice: Message | None = None
    silent: float = field(default=0.0, compare=False)

    @property
    def active(self) -> bool:
        return self.status in ("queued", "running")


class RunStore(Sparklines):
    """The runs of one workspace."""

    def add(self, run: str, name: str, record: Row, steps: int, queue: str = "") -> None:
        """Put a new run at the end of a queue of this host."""
        self._add(run, name, record, status="queued", steps=steps, queue=queue)

    def add_imported(self, run: str, name: str, record: Row, bundle: str) -> None:
        """Add a run that nothing trained here: it has a bundle from the start."""
        self._add(run, name, record, status="imported", steps=0, bundle=bundle)

    def _add(self, run: str, name: str, record: Row, **values: object) -> None:
        packed = json.dumps(record, ensure_ascii=False)
        at = {"created_at": time.time(), "seen_at": DatabaseTime(), "host": self.host}
        self._write(insert(runs).values(run=run, name=name, record=packed, **at, **values))

    def runs(self) -> list[Run]:
        """Return all runs, the newest first."""
        return [_run(row) for row in self._read(NEWEST)]

    def run(self, run: str) -> Run:
        """Return one run.

        Raises:
            RunError: there is none of this id.
        """
        rows = self._read(ONE, run=run)
        if not rows:
            raise RunError("There is no run {run}: list the runs to see their ids.", run=run)
        return _run(rows[0])

    def set_pid(self, run: str, pid: int) -> None:
        self._change(run, pid=pid)

    def touch(self, run: str) -> bool:
        """Write down that the worker of a run lives, for servers that cannot see its process.

        Return False where the run is this host's no longer, because it was taken for lost.
        """
        mine = update(runs).where(runs.c.run == run, runs.c.host == self.host)
        return self._write(mine.where(runs.c.status != "lost").values(seen_at=DatabaseTime())) == 1

    def held(self) -> set[str]:
        """Return this host's devices that runs train on."""
        return {row["device"] for row in self._read(HELD, host=self.host)}

    def claim(self, run: str, *devices: str) -> bool:
        """Start `run` on devices of its host if it is the first of its queue and all of them are free.

        Return whether it did.
        """
        first = runs.alias("first")
        head = select(func.min(first.c.place)).where(first.c.status == "queued", same_queue(first))
        mine = update(runs).where(runs.c.run == run, runs.c.status == "queued")
        start = mine.where(runs.c.host == self.host, runs.c.place == head.scalar_subquery())
        values = {"status": "running", "started_at": time.time(), "device": ",".join(devices)}
        holding = [{"host": self.host, "device": device, "run": run} for device in devices]
        try:
            with self._transaction() as connection:
                started = connection.execute(start.values(values)).rowcount == 1
                if started and holding:
                    connection.execute(delete(holds).where(~TRAINS | (holds.c.run == run)))
                    connection.execute(insert(holds), holding)
                return started
        except IntegrityError:  # one of them is not free
            return False

    def requeue(self, run: str) -> bool:
        """Put a run that ended unfinished at the end of this host's queue; say whether it was one."""
        unfinished = runs.c.status.in_(("stopped", "failed", "lost"))
        again = update(runs).where(runs.c.run == run, unfinished)
        spent = runs.c.spent + func.coalesce(runs.c.ended_at - runs.c.started_at, 0)
        nothing = dict.fromkeys(("started_at", "ended_at", "pid", "error", "notice"))
        with self._transaction() as connection:
            place = next_place(connection.dialect)
            where = {"host": self.host, "seen_at": DatabaseTime(), "place": place}
            values = {"status": "queued", "spent": spent, "stop_requested": 0, **where, **nothing}
            return connection.execute(again.values(values)).rowcount == 1

    def rewind(self, run: str, step: int, evaluated: int, sampled: float) -> None:
        """Forget steps past `step`, evaluations past step `evaluated` and samples past so many seconds."""
        lasts = (
            (steps.c.step, step),
            (evaluations.c.step, evaluated),
            (samples.c.seconds, sampled),
        )
        for column, last in lasts:
            self._write(delete(column.table).where(column.table.c.run == run, column > last))

    def best_step(self, run: str, until: int) -> int | None:
        """Return the step of the best evaluation by macro-F1, then loss, of those up to step `until`."""
        columns = evaluations.c
        rows = self._read(best_first().where(columns.run == run, columns.step <= until))
        return rows[0]["step"] if rows else None

    def end(self, run: str, status: Status, error: Message | None = None) -> bool:
        """End an active run; say whether it was one."""
        active = update(runs).where(runs.c.run == run, ~ENDED)
        values = {"status": status, "ended_at": time.time(), "error": _pack(error)}
        return self._write(active.values(values)) == 1

    def set_notice(self, run: str, notice: Message | None) -> None:
        """Write down what a run has to say in place of what it said before."""
        self._change(run, notice=_pack(notice))

    def request_stop(self, run: str) -> None:
        self._change(run, stop_requested=1)

    def stop_requested(self, run: str) -> bool:
        rows = self._read(STOP, run=run)
        return bool(rows[0]["stop_requested"])

    def swap(self, run: str, other: str) -> bool:
        """Let two waiting runs change places in the queue; say whether both still waited."""
        both = (runs.c.run.in_((run, other)), runs.c.status == "queued")
        with self._transaction() as connection:
            # Neither can take the other's place first, so both step aside, below 0.
            aside = update(runs).where(*both).values(place=-runs.c.place)
            if connection.execute(aside).rowcount < 2:
                connection.rollback()
                return False
            places = connection.execute(select(runs.c.place).where(*both)).scalars()
            back = update(runs).where(*both).values(place=runs.c.place - sum(places))
            connection.execute(back)
            return True

    def describe(self, run: str, name: str, tags: Iterable[str], note: str) -> None:
        """Write down what people call a run and say of it."""
        packed = json.dumps(list(tags), ensure_ascii=False)
        self._change(run, name=name, tags=packed, note=note)

    def delete(self, run: str) -> bool:
        """Forget a run that has ended, and all that belongs to it; say whether it was one."""
        with self._transaction() as connection:
            ended = delete(runs).where(runs.c.run == run, ENDED)
            deleted = connection.execute(ended).rowcount == 1
            for table in METADATA.sorted_tables if deleted else ():
                connection.execute(delete(table).where(table.c.run == run))
        return deleted

    def set_bundle(self, run: str, bundle: str | None) -> None:
        self._change(run, bundle=bundle)

    def _change(self, run: str, **values: object) -> None:
        self._write(update(runs).where(runs.c.run == run).values(**values))

    def add_steps(self, run: str, new: Iterable[Row]) -> None:
        """Append training steps, each a row of the `steps` table without its run."""
        if rows := [{"run": run, **_numbers(step)} for step in new]:
            self._write(insert(steps), rows)

    def add_evaluation(self, run: str, evaluation: Row) -> None:
        """Append an evaluation; `confusion` is a nested list."""
        confusion = json.dumps(evaluation["confusion"])
        row = {**_numbers(evaluation), "run": run, "confusion": confusion}
        self._write(insert(evaluations), [row])

    def steps(self, run: str, after: int = 0) -> list[Row]:
        """Return the training steps past step `after`, in order."""
        return self._after(steps, run, after)

    def evaluations(self, run: str, after: int = 0) -> list[Row]:
        """Return the evaluations past step `after`, in order."""
        rows = self._after(evaluations, run, after)
        return [{**row, "confusion": json.loads(row["confusion"])} for row in rows]

    def _after(self, table: Table, run: str, after: int) -> list[Row]:
        return self._read(AFTER[table], run=run, after=after)

    def active(self) -> set[str]:
        """Return the ids of the runs that wait or train: the cheapest look at what goes on."""
        return {row["run"] for row in self._read(ACTIVE)}


def _numbers(row: Row) -> Row:
    """Return a row with None where a figure is not a number."""
    return {name: None if value != value else value for name, value in row.items()}


def _pack(message: Message | None) -> str | None:
    if message is None:
        return None
    values = {name: str(value) for name, value in message.values.items()}
    return json.dumps({"text": message.text, "values": values}, ensure_ascii=False)


def _run(row: Row) -> Run:
    row["record"] = json.loads(row["record"])
    for name in ("error", "notice"):
        row[name] = Message(**json.loads(row[name])) if row[name] else None
    row["tags"] = tuple(json.loads(row["tags"]))
    row["stop_requested"] = bool(row["stop_requested"])
    counts = {name: row[name] or 0 for name in ("step", "epoch", "sentences", "seconds", "silent")}
    return Run(**{**row, **counts})
