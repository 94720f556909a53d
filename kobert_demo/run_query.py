"""The query for runs with what pages show of them: last step, best evaluation, place in the queue."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, ScalarSelect, Select, and_, func, select

from kobert_demo.tables import DatabaseTime, evaluations, runs, steps


def all_runs() -> Select[Any]:
    """Return the query for all runs, a row for each with the fields of `store.Run`."""
    last, best = steps.alias("last"), evaluations.alias("best")
    silent = (DatabaseTime() - runs.c.seen_at).label("silent")
    shown = [column for column in runs.c if column.name not in ("place", "seen_at")]
    return (
        select(
            *(*shown, silent, last.c.step, last.c.epoch, last.c.sentences, last.c.seconds),
            *(best.c.accuracy, best.c.macro_f1, best.c.loss, best.c.step.label("best_step")),
            _waiting().label("waiting"),
        )
        .select_from(runs)
        .outerjoin(last, and_(last.c.run == runs.c.run, last.c.step == _last_step()))
        .outerjoin(best, and_(best.c.run == runs.c.run, best.c.step == _best_step()))
    )


def same_queue(other: FromClause) -> ColumnElement[bool]:
    """Return what holds where another run waits for the same devices as one of `runs`."""
    return and_(other.c.host == runs.c.host, other.c.queue == runs.c.queue)


def _last_step() -> ScalarSelect[Any]:
    return select(func.max(steps.c.step)).where(steps.c.run == runs.c.run).scalar_subquery()


def _best_step() -> ScalarSelect[Any]:
    return best_first().where(evaluations.c.run == runs.c.run).scalar_subquery()


def best_first() -> Select[Any]:
    """Return the query for the step of the best evaluation by macro-F1, then loss."""
    columns = evaluations.c
    return (
        select(columns.step)
        .order_by(columns.macro_f1.desc().nulls_last(), columns.loss.nulls_first(), columns.step)
        .limit(1)
    )


def _waiting() -> ScalarSelect[Any]:
    """Return a run's place from 1 among those that wait in its queue; 0 where it does not wait."""
    other = runs.alias("other")
    before = and_(same_queue(other), other.c.place <= runs.c.place)
    return (
        select(func.count())
        .select_from(other)
        .where(runs.c.status == "queued", other.c.status == "queued", before)
        .scalar_subquery()
    )
