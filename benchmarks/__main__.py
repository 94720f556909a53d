"""`make bench`: every measure, one table, `results.json`; `BENCH=quick` takes fewer repeats and rows."""

import logging
import os
import sys
import warnings

from benchmarks import (
    first_paint,
    inference_speed,
    learning,
    reading_speed,
    training_speed,
    watching,
)
from benchmarks.harness import Result, machine, save, table

MEASURES = (inference_speed, reading_speed, training_speed, watching, first_paint)


def main() -> None:
    quick = os.environ.get("BENCH") == "quick"
    warnings.simplefilter("ignore")
    logging.getLogger("transformers").setLevel(logging.ERROR)
    results: list[Result] = []
    notes: dict[str, object] = {"bfloat16 against float32": inference_speed.agreement()}
    if not quick:
        notes["equal learning"] = learning.run()
    for measure in MEASURES:
        print(f"{measure.__name__} ...", file=sys.stderr, flush=True)
        results += measure.run(quick)
        save(results, notes)  # whatever comes after
    print(machine(), table(results), *notes.items(), sep="\n")


if __name__ == "__main__":
    main()
