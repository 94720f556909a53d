"""The shell's verbs for models: `verify`, `import`, `export`; and how a verb gets the model it needs."""

import argparse
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Never

from tqdm import tqdm

from kobert_demo.config import preset
from kobert_demo.device import best_device, may_have_gpu
from kobert_demo.download import download_model
from kobert_demo.errors import DataError
from kobert_demo.export import export
from kobert_demo.imports import quick_imports
from kobert_demo.language import Message
from kobert_demo.model_files import (
    ModelFiles,
    built_in_models,
    default_model,
    find_model,
    needs_download,
)
from kobert_demo.printing import print_fields, print_json, spoken_language
from kobert_demo.runs import Runs
from kobert_demo.verify import file_hashes, verify, verify_once


def chosen_model(given: str | None) -> tuple[str, Message | None]:
    """Return the model that was named, else the default one and why it is that."""
    if given:
        return given, None
    return default_model(may_have_gpu() and best_device() != "cpu")


def obtain(name: str) -> ModelFiles:
    """Return a model's files; what is on the hub is downloaded first, with a progress bar.

    Raises:
        ModelError: there is no such model, or it cannot be had.
    """
    if needs_download(name):
        with ExitStack() as stack:
            bars: list[tqdm[Never]] = []  # none before the hub has told the size

            def progress(done: int, total: int) -> None:
                if not bars:
                    bar: tqdm[Never] = tqdm(
                        total=total, desc=name, unit="B", unit_scale=True, dynamic_ncols=True
                    )
                    bars.append(stack.enter_context(bar))
                bars[0].update(done - bars[0].n)

            download_model(name, progress)
    return find_model(name)


def failed_checks(files: ModelFiles, workspace: Path) -> list[Message]:
    """Return what is wrong with a model, which is checked when it is first used.

    (The built-in ones are left to the worker: they come with their hashes, and verbs open fast.)
    """
    if files.name in built_in_models():
        return []
    checks = verify_once(files, workspace).checks
    words = [{"name": check.name, "answer": check.answer} for check in checks if not check.passed]
    return [Message("{name}: {answer}", values) for values in words]


def obtain_checked(name: str, args: argparse.Namespace) -> ModelFiles:
    """Obtain a model and say what is wrong with it."""
    files = obtain(name)
    for check in failed_checks(files, args.workspace):
        print(check.in_language(spoken_language()), file=sys.stderr)
    return files


def classifier_of(args: argparse.Namespace) -> str:
    """Return what answers: a run's bundle, the model that was named, or the ready-made one."""
    if args.run:
        return str(Runs(args.workspace).bundle(args.run))
    return obtain_checked(args.model, args).name


def verify_model(args: argparse.Namespace) -> int:
    """Say whether a model is whole, reads Korean, and is KoBERT where it claims to be."""
    files = obtain(args.model)
    verdict = verify(files)
    result: dict[str, Any] = {
        "model": args.model,
        "passed": verdict.passed,
        "kobert": verdict.kobert,
        "revision": files.revision,
        "directory": str(files.directory),
        "files": file_hashes(files),
    }
    language = spoken_language()
    checks = [
        {
            "name": check.name.in_language(language),
            "passed": check.passed,
            "answer": check.answer.in_language(language),
        }
        for check in verdict.checks
    ]
    if args.json:
        print_json({**result, "checks": checks})
    else:
        result["files"] = "".join(
            f"\n  {row['sha256']}  {row['bytes']:>12,}  {row['file']}" for row in result["files"]
        )
        print_fields(result)
        for check in checks:
            print("✓" if check["passed"] else "✗", check["name"], check["answer"], sep="  ")
    failed = [check for check in checks if not check["passed"]]
    if not failed:
        return 0
    counts = {"model": args.model, "failed": len(failed), "checks": len(checks)}
    said = Message("{model} failed {failed} of {checks} checks: do not trust it.", counts)
    print(said.in_language(language), file=sys.stderr)
    return 2


def import_file(args: argparse.Namespace) -> int:
    """Make a run of the weights that a notebook saved."""
    with quick_imports():
        from kobert_demo.importing import check_labels, import_model  # imports torch

    if not args.file.is_file():
        raise DataError("There is no file {path}: check the name.", path=args.file)
    labels = [label.strip() for label in args.labels.split(",")]
    check_labels(labels)
    config = replace(preset(args.model), max_length=args.max_length)
    obtain_checked(args.model, args)
    runs = Runs(args.workspace)
    run = import_model(runs, args.file, labels, config, args.name or args.file.name)
    result = {"run": run, "labels": labels, "bundle": str(runs.bundle(run))}
    return print_json(result) if args.json else print_fields(result)


def export_run(args: argparse.Namespace) -> int:
    """Take a run's best model away."""
    out = Path.cwd() / args.out.expanduser()
    export(Runs(args.workspace).bundle(args.run), args.format, out)
    result = {"run": args.run, "format": args.format, "out": str(out)}
    return print_json(result) if args.json else print_fields(result)
