"""The shell's verb for scoring a file."""

import argparse
import sys
from functools import partial
from typing import Any

from tqdm import tqdm

from kobert_demo.data_arguments import column_index, read_format
from kobert_demo.device import best_device
from kobert_demo.file_scoring import choose_layout, score_file
from kobert_demo.imports import quick_imports
from kobert_demo.language import Message
from kobert_demo.model_files import find_model
from kobert_demo.model_verbs import classifier_of
from kobert_demo.printing import print_fields, print_json, spoken_language

PARTS = 1_000  # of the progress bar


def score(args: argparse.Namespace) -> int:
    """Write a file with a label, a confidence and a column a class; Ctrl-C keeps what is done."""
    if args.on == "ray":
        return _score_on_ray(args)
    with quick_imports():
        from kobert_demo.predictor import Predictor  # imports torch: the other verbs open fast

    how, names = read_format(args.file, args)
    predictor = Predictor(classifier_of(args), args.exact, best_device())
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
        _say_kept()
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


def _score_on_ray(args: argparse.Namespace) -> int:
    """Write a directory of part files and a manifest, scored by the workers of a Ray cluster."""
    with quick_imports():
        from kobert_demo.predictor import Predictor
    from kobert_demo.ray_cluster import check_size, cluster_address, connected
    from kobert_demo.ray_scoring import score_on_cluster
    from kobert_demo.score_parts import cut, find_files

    address, files = cluster_address(args.ray_address), find_files(args.file)
    model = classifier_of(args)
    predictor = Predictor(model, args.exact)
    named = (args.text_column, args.label_column)
    parts = cut(files, predictor.labels, partial(read_format, args=args), named, args.guard)
    try:
        with (
            connected(address),
            tqdm(total=PARTS, desc=str(args.file), dynamic_ncols=True, unit="‰") as bar,
        ):
            check_size(args.workers, args.gpus)

            def progress(share: float) -> None:
                bar.update(round(share * PARTS) - bar.n)

            manifest = score_on_cluster(
                parts,
                find_model(model).directory,
                predictor,
                args.out,
                args.workers,
                args.gpus,
                args.exact,
                args.resume,
                progress,
            )
    except KeyboardInterrupt:
        _say_kept()
        raise
    result = {"out": str(args.out), **manifest, "parts": len(parts)}
    if args.json:
        return print_json(result)
    result["labels"] = ", ".join(f"{name} {count}" for name, count in result["labels"].items())
    return print_fields(result)


def _say_kept() -> None:
    said = Message("What is done is kept: go on with it by --resume.")
    print(said.in_language(spoken_language()), file=sys.stderr)
