"""The shell's verb for evaluations."""

import argparse
import sys
from contextlib import suppress
from typing import Any

from tqdm import tqdm

from kobert_demo.data_arguments import read_dataset
from kobert_demo.dataset import Dataset, summarize, with_labels_of
from kobert_demo.errors import DataError
from kobert_demo.evaluation.baselines import tfidf_answers
from kobert_demo.evaluation.scoring import compute_logits, scored
from kobert_demo.evaluation.summary import as_json
from kobert_demo.evaluation.summary import summarize as summarize_scores
from kobert_demo.printing import print_fields, print_json, spoken_language
from kobert_demo.runs import Runs


def evaluate(args: argparse.Namespace) -> int:
    """Say how good a run's model is on a file, or on the run's own test data."""
    runs = Runs(args.workspace)
    bundle, train, data = runs.bundle(args.run), None, None
    if args.file is None:
        train, data = runs.data(args.run)
    else:
        data = _read(args, runs.get(args.run).record["labels"])
        with suppress(DataError):  # then there is no TF-IDF baseline
            train = runs.data(args.run)[0]
    with tqdm(total=len(data), desc=data.name, dynamic_ncols=True) as bar:

        def progress(share: float) -> None:
            bar.update(round(share * len(data)) - bar.n)

        logits = compute_logits(bundle, data, progress)
    tfidf = tfidf_answers(train, data) if train else None
    found = as_json(summarize_scores(scored(bundle, data, logits), tfidf))
    result = {"run": args.run, **found}
    return print_json(result) if args.json else print_fields(_in_short(result))


def _read(args: argparse.Namespace, labels: list[str]) -> Dataset:
    """Return the sentences of the file, and say what is left out on standard error."""
    data = with_labels_of(labels, read_dataset(args.file, args, least=1)[0])
    for message in summarize(data.problems):
        print(message.in_language(spoken_language()), file=sys.stderr)
    return data


def _in_short(result: dict[str, Any]) -> dict[str, Any]:
    """Return the figures as a line each."""
    intervals = result["intervals"]
    figures = {
        name: "{:.4f} ({:.4f} - {:.4f})".format(result[name], *intervals[name])
        for name in ("accuracy", "macro_f1", "weighted_f1")
    }
    baselines = {
        name: f"{rival['accuracy']:.4f} {rival['macro_f1']:.4f}"
        for name, rival in result["baselines"].items()
    }
    lines = [
        f"\n  {label}\t{of['precision']:.3f} {of['recall']:.3f} {of['f1']:.3f} {of['support']}"
        for label, of in result["per_class"].items()
    ]
    return {
        "run": result["run"],
        "rows": result["data"]["rows"],
        **figures,
        **baselines,
        "ece": f"{result['ece']:.4f}",
        "temperature": f"{result['calibration']['temperature']:.4g}",
        "per_class": "".join(lines),
    }
