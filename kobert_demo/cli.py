"""The shell's verbs, through the pages' own functions.

Results go to standard output, with `--json` as one document; progress and errors to standard error.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kobert_demo import model_verbs
from kobert_demo.arguments import parser
from kobert_demo.config import SETTINGS, TrainingConfig, preset
from kobert_demo.data_arguments import read_dataset
from kobert_demo.dataset import (
    DataChoice,
    Dataset,
    save_dataset,
    summarize,
    with_labels_of,
)
from kobert_demo.encoding import encode
from kobert_demo.errors import KobertDemoError
from kobert_demo.follow import follow
from kobert_demo.language import Language, Message, language_of
from kobert_demo.model_files import ModelFiles
from kobert_demo.model_verbs import chosen_model, failed_checks, obtain
from kobert_demo.preflight import inspect, unreadable
from kobert_demo.runs import Runs
from kobert_demo.sentence_pieces import SentencePieces
from kobert_demo.vocabularies import read_vocabulary

SHOWN_PROBLEMS = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status: 0, or 2 after saying what is wrong."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    args = parser().parse_args(arguments)
    verbs = {
        "check": check,
        "train": train,
        "classify": classify,
        "encode": encode_texts,
        "runs": list_runs,
        "verify": verify,
        "import": import_file,
        "export": export_run,
    }
    try:
        return verbs[args.verb](args)
    except KobertDemoError as error:
        print(error.in_language(spoken_language()), file=sys.stderr)
        return 2
    except OSError as error:
        refused = Message("The system refuses {file}: {reason}.", _refusal(error))
        print(refused.in_language(spoken_language()), file=sys.stderr)
        return 2
    except UnicodeError:
        broken = Message("What was typed holds bytes that are no UTF-8 text: type it again.")
        print(broken.in_language(spoken_language()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _refusal(error: OSError) -> dict[str, object]:
    return {"file": str(error.filename or "-")[:80], "reason": error.strerror or str(error)[:200]}


def spoken_language() -> Language:
    """Return the language of the shell, as POSIX has it: the first of these variables that is set."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    return language_of(next(filter(None, map(os.environ.get, names)), None))


def check(args: argparse.Namespace) -> int:
    """Say what a file holds and which rows cannot be used."""
    TrainingConfig(max_length=args.max_length)  # says what is wrong with it
    dataset, how = read_dataset(args.file, args)
    report = inspect(
        dataset, read_vocabulary(_obtain(args.model, args).vocabulary), args.max_length
    )
    language = spoken_language()
    problems = [
        {"line": problem.line, "message": problem.message.in_language(language)}
        for problem in dataset.problems
    ]
    result = {
        "rows": dataset.rows,
        "usable": len(dataset.texts),
        "labels": report.label_counts,
        "encoding": how.encoding,
        "delimiter": how.delimiter,
        "header": how.header,
        "problems": problems,
        "duplicates": report.duplicates,
        "conflicts": report.conflicts,
        "truncated": report.truncated,
        "unk_rate": report.unk_rate,
    }
    if args.json:
        return _print_json(result)
    if warning := unreadable(report.unk_rate):
        print(warning.in_language(language), file=sys.stderr)
    shown = [f"{problem['line']}: {problem['message']}" for problem in problems[:SHOWN_PROBLEMS]]
    more = len(problems) - len(shown)
    result["delimiter"] = repr(how.delimiter)
    result["labels"] = ", ".join(f"{label} {count}" for label, count in report.label_counts.items())
    result["problems"] = "".join(f"\n  {line}" for line in shown) or "-"
    _print_fields(result)
    if more > 0:
        print(f"  + {more}")
    return 0


def train(args: argparse.Namespace) -> int:
    """Launch a run on a file and follow it to its end; Ctrl-C stops the run."""
    given = {name: getattr(args, name) for name in SETTINGS}
    chosen = {name: value for name, value in given.items() if value is not None}
    model, why = chosen_model(args.model)
    config = replace(preset(model), **chosen)
    data, _ = read_dataset(args.file, args)
    test, _ = read_dataset(args.test, args, least=1) if args.test else (None, None)
    if why:
        print(why.in_language(spoken_language()), file=sys.stderr)
    vocabulary = read_vocabulary(_obtain(config.model, args).vocabulary)
    for part in filter(None, (data, with_labels_of(data, test) if test else None)):
        _say_what_is_wrong(part, inspect(part, vocabulary, config.max_length).unk_rate)
    choice = DataChoice(
        save_dataset(data, args.workspace),
        save_dataset(test, args.workspace) if test else None,
        args.test_fraction,
        config.seed,
    )
    runs = Runs(args.workspace)
    run = follow(runs, runs.launch(choice, config), spoken_language())
    result = {
        "run": run.run,
        "status": run.status,
        "accuracy": run.accuracy,
        "macro_f1": run.macro_f1,
        "loss": run.loss,
        "train_seconds": round(run.seconds, 3),
        "sentences_per_second": round(run.sentences / run.seconds, 1) if run.seconds else None,
    }
    _print_json(result) if args.json else _print_fields(result)
    if run.error:
        print(run.error.in_language(spoken_language()), file=sys.stderr)
        print(runs.log_path(run.run), file=sys.stderr)
    return 0 if run.status in ("finished", "stopped") else 2


def _say_what_is_wrong(data: Dataset, unk_rate: float) -> None:
    """Say on standard error which rows are left out and why, and whether the model can read the rest."""
    said = list(summarize(data.problems))
    if said:
        counts = {"name": data.name, "usable": len(data), "rows": data.rows}
        said.insert(0, Message("{name}: {usable} of {rows} rows can be used.", counts))
    if warning := unreadable(unk_rate):
        said.append(warning)
    for message in said:
        print(message.in_language(spoken_language()), file=sys.stderr)


def classify(args: argparse.Namespace) -> int:
    """Say which label a run's or a model's classifier gives to each sentence."""
    from kobert_demo.predictor import Predictor  # imports torch: the other verbs open fast

    predictor = Predictor(_classifier(args), args.exact)
    predictions = predictor.predict(_texts(args.text))
    if args.json:
        return _print_json(
            [
                {
                    "text": prediction.text,
                    "label": prediction.label,
                    "probabilities": prediction.probabilities,
                    **prediction.encoding.padded(),
                }
                for prediction in predictions
            ]
        )
    for prediction in predictions:
        share = prediction.probabilities[prediction.label]
        print(f"{prediction.label}\t{share:.3f}\t{prediction.text}")
    return 0


def _classifier(args: argparse.Namespace) -> str:
    """Return what answers: a run's bundle, the model that was named, or the ready-made one."""
    return (
        str(Runs(args.workspace).bundle(args.run)) if args.run else _obtain(args.model, args).name
    )


def encode_texts(args: argparse.Namespace) -> int:
    """Show how a vocabulary cuts each sentence into pieces."""
    TrainingConfig(max_length=args.max_length)  # says what is wrong with it
    vocabulary = (
        SentencePieces(args.vocab)
        if args.vocab
        else read_vocabulary(_obtain(args.model, args).vocabulary)
    )
    encodings = [(text, encode(text, vocabulary, args.max_length)) for text in _texts(args.text)]
    if args.json:
        return _print_json([{"text": text, **encoding.padded()} for text, encoding in encodings])
    for _, encoding in encodings:
        print(" ".join(encoding.tokens), " ".join(map(str, encoding.input_ids)), sep="\t")
    return 0


def list_runs(args: argparse.Namespace) -> int:
    """List all runs, the newest first."""
    rows: list[dict[str, Any]] = [
        {
            "run": run.run,
            "name": run.name,
            "status": run.status,
            "model": run.record["config"]["model"],
            "step": run.step,
            "steps": run.steps,
            "accuracy": run.accuracy,
            "macro_f1": run.macro_f1,
            "pid": run.pid,
            "error": run.error and run.error.in_language(spoken_language()),
            "created_at": datetime.fromtimestamp(run.created_at, UTC).isoformat(),
        }
        for run in Runs(args.workspace).list()
    ]
    if args.json:
        return _print_json(rows)
    for row in rows:
        figures = "-" if row["macro_f1"] is None else f"{row['accuracy']:.3f} {row['macro_f1']:.3f}"
        progress = f"{row['step']}/{row['steps']}"
        print(row["run"], row["status"], progress, figures, row["name"], sep="\t")
    return 0


def verify(args: argparse.Namespace) -> int:
    """Say whether a model is whole, reads Korean, and is KoBERT where it claims to be."""
    result, verdict = model_verbs.verify_model(args)
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
        _print_json({**result, "checks": checks})
    else:
        result["files"] = "".join(
            f"\n  {row['sha256']}  {row['bytes']:>12,}  {row['file']}" for row in result["files"]
        )
        _print_fields(result)
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
    result = model_verbs.import_file(args)
    _obtain(args.model, args)
    return _print_json(result) if args.json else _print_fields(result)


def export_run(args: argparse.Namespace) -> int:
    """Take a run's best model away."""
    result = model_verbs.export_run(args)
    return _print_json(result) if args.json else _print_fields(result)


def _obtain(name: str, args: argparse.Namespace) -> ModelFiles:
    """Return a model's files, downloaded where they are not here; say what is wrong with them."""
    files = obtain(name)
    for check in failed_checks(files, args.workspace):
        print(check.in_language(spoken_language()), file=sys.stderr)
    return files


def _texts(given: Sequence[str]) -> list[str]:
    """Return the sentences; `-` stands for standard input, a sentence a line."""
    if list(given) != ["-"]:
        return [os.fsencode(text).decode("utf-8", errors="replace") for text in given]
    lines = sys.stdin.buffer.read().decode("utf-8", errors="replace").split("\n")
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]


def _print_json(value: object) -> int:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))
    return 0


def _print_fields(values: dict[str, Any]) -> int:
    for name, value in values.items():
        print(f"{name:<22}{'-' if value is None else value}")
    return 0
