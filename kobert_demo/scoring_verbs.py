"""The shell's verb for scoring a file."""

import argparse
import sys
from typing import Any

from tqdm import tqdm

from kobert_demo.data_arguments import column_index, read_format
from kobert_demo.file_scoring import choose_layout, score_file
from kobert_demo.language import Message
from kobert_demo.model_verbs import classifier_of
from kobert_demo.printing import print_fields, print_json, spoken_language

PARTS = 1_000  # of the progress bar


def score(args: argparse.Namespace) -> int:
    """Write a file with a label, a confidence and a column a class; Ctrl-C keeps what is done."""
    from kobert_demo.predictor import Predictor  # imports torch: the other verbs open fast

    how, names = read_format(args.file, args)
    predictor = Predictor(classifier_of(args), args.exact)
    text, label = (
        None if given is None else column_index(given, names, how.header)
        for given in (args.text_column, args.label_column)
    )
    layout = choose_layout(args.file, how, predictor.labels, args.out, text, label, args.guard)
    try:
        with tqdm(total=PARTS, desc=args.file.name, dynamic_ncols=True, unit="‰") as bar:

            def progress(share: float) -> None:
                bar.update(round(share * PARTS) - bar.n)

            summary = score_file(args.file, layout, predictor, args.out, args.resume, progress)
    except KeyboardInterrupt:
        said = Message("What is done is kept: go on with it by --resume.")
        print(said.in_language(spoken_language()), file=sys.stderr)
        raise
    result: dict[str, Any] = {"out": str(args.out), **summary.as_json()}
    if args.json:
        return print_json(result)
    for name in ("confidence", "agreement"):
        result[name] = None if result[name] is None else f"{result[name]:.3f}"
    result["labels"] = ", ".join(f"{name} {count}" for name, count in result["labels"].items())
    result["least_certain"] = "".join(
        f"\n  {row['line']}: {row['confidence']:.3f} {row['label']} {row['text']}"
        for row in result["least_certain"]
    )
    return print_fields(result)
