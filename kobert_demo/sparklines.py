"""The training loss of many runs, each in a few points, for a list that opens at once."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from kobert_demo.curves import Curves
from kobert_demo.tables import sparklines, steps

if TYPE_CHECKING:
    from kobert_demo.store import Run

SPARKLINE_BINS = 20  # each shown by its lowest and its highest loss
KEEP_SPARKLINE = text(
    "INSERT INTO sparklines (run, step, losses) VALUES (:run, :step, :losses) "
    "ON CONFLICT (run) DO UPDATE SET step = excluded.step, losses = excluded.losses"
)


class Sparklines(Curves):
    """What a list of runs shows of their steps."""

    def sparklines(self, of: "Iterable[Run]") -> dict[str, list[float]]:
        """Return the training loss of each run in a few points, the spikes among them.

        Those of runs that have ended are kept, so that a list of a thousand opens at once.
        """
        kept = {row["run"]: row for row in self._read(select(sparklines))}
        lines, fresh = {}, []
        for run in of:
            found = kept.get(run.run)
            if found and found["step"] == run.step:
                lines[run.run] = json.loads(found["losses"])
                continue
            lines[run.run] = self._sparkline(run)
            if not run.active:
                losses = json.dumps(lines[run.run])
                fresh.append({"run": run.run, "step": run.step, "losses": losses})
        if fresh:
            self._write(KEEP_SPARKLINE, fresh)
        return lines

    def _sparkline(self, run: "Run") -> list[float]:
        """Return each step's loss, or the lowest and the highest of each of `SPARKLINE_BINS` bins."""
        size = max(-(-run.step // SPARKLINE_BINS), 1)
        loss = steps.c.loss
        ends = select(func.min(loss).label("low"), func.max(loss).label("high"))
        mine = ends.where(steps.c.run == run.run)
        bins = [
            self._read(mine.where(steps.c.step.between(first, first + size - 1)))[0]
            for first in range(1, run.step + 1, size)
        ]
        columns = ("low",) if size == 1 else ("high", "low")
        return [bin[column] for bin in bins for column in columns if bin[column] is not None]
