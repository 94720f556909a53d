"""`make bench`: every measure, one table, `results.json`; `BENCH=quick` takes fewer repeats and rows."""

import logging
import os
import sys
import warnings

from benchmarks import inference_speed, learning, reading_speed, training_speed
from benchmarks.harness import machine, save, table

MEASURES = (inference_speed, training_speed, reading_speed)


def main() -> None:
    quick = os.environ.get("BENCH") == "quick"
    warnings.simplefilter("ignore")
    logging.getLogger("transformers").setLevel(logging.ERROR)
    results = []
    for measure in MEASURES:
        print(f"{measure.__name__} ...", file=sys.stderr, flush=True)
        results += measure.run(quick)
        print(table(results), file=sys.stderr, flush=True)
    notes: dict[str, object] = {"bfloat16 against float32": inference_speed.agreement()}
    if not quick:
        notes["equal learning"] = learning.run()
    print(machine(), table(results), *notes.items(), sep="\n")
    save(results, notes)


if __name__ == "__main__":
    main()
