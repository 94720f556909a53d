"""`make bench`: every measure, one table, `results.json`; `BENCH=quick` takes fewer repeats and rows.

`python -m benchmarks reading_speed ...` takes these measures alone and leaves the others as they are;
`growth`, what docs/scaling.md is made from, and `profiles` are taken so only.
"""

import logging
import os
import sys
import warnings

from benchmarks import (
    agreement,
    first_classifier,
    first_paint,
    growth,
    inference_speed,
    learning,
    profiles,
    reading_speed,
    training_speed,
    typing_latency,
    watching,
)
from benchmarks.harness import Findings, machine, save, table

QUICK = (
    *(agreement, inference_speed, reading_speed, training_speed),
    *(watching, first_paint, typing_latency),
)
FULL = (learning, *QUICK, first_classifier)
MEASURES = {measure.__name__.rpartition(".")[2]: measure for measure in (*FULL, growth, profiles)}


def main(asked: list[str]) -> None:
    quick = os.environ.get("BENCH") == "quick"
    warnings.simplefilter("ignore")
    logging.getLogger("transformers").setLevel(logging.ERROR)
    usual = QUICK if quick else FULL
    findings: dict[str, Findings] = {}
    for name in asked or [name for name, measure in MEASURES.items() if measure in usual]:
        print(f"{name} ...", file=sys.stderr, flush=True)
        findings[name] = MEASURES[name].run(quick)
        save(findings)  # whatever comes after
    print(machine())
    print(
        table(
            [result for found in findings.values() for result in found if isinstance(found, list)]
        )
    )
    for found in findings.values():
        if not isinstance(found, list):
            print(found)


if __name__ == "__main__":
    main(sys.argv[1:])
