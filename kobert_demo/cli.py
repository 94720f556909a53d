"""The shell's verbs, through the pages' own functions.

Results go to standard output, with `--json` as one document; progress and errors to standard error.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from kobert_demo import evaluation_verbs, model_verbs, run_verbs, scoring_verbs
from kobert_demo.arguments import parser
from kobert_demo.config import TrainingConfig
from kobert_demo.data_arguments import read_dataset
from kobert_demo.encoded import encode_whole
from kobert_demo.encoding import encode
from kobert_demo.errors import KobertDemoError
from kobert_demo.imports import quick_imports
from kobert_demo.language import Message
from kobert_demo.model_verbs import classifier_of, obtain_checked
from kobert_demo.preflight import inspect, unreadable
from kobert_demo.printing import print_fields, print_json, spoken_language
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
        "train": run_verbs.train,
        "resume": run_verbs.resume,
        "classify": classify,
        "encode": encode_texts,
        "score": scoring_verbs.score,
        "evaluate": evaluation_verbs.evaluate,
        "runs": run_verbs.list_runs,
        "watch": run_verbs.watch_run,
        "history": run_verbs.tell_history,
        "stop": run_verbs.stop_run,
        "delete": run_verbs.delete_run,
        "verify": model_verbs.verify_model,
        "import": model_verbs.import_file,
        "export": model_verbs.export_run,
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


def check(args: argparse.Namespace) -> int:
    """Say what a file holds and which rows cannot be used."""
    TrainingConfig(max_length=args.max_length)  # says what is wrong with it
    dataset, how = read_dataset(args.file, args)
    vocabulary = read_vocabulary(obtain_checked(args.model, args).vocabulary)
    encoded = encode_whole(dataset.texts, dataset.label_ids, vocabulary)
    report = inspect(dataset, encoded, vocabulary, args.max_length)
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
        return print_json(result)
    if warning := unreadable(report.unk_rate):
        print(warning.in_language(language), file=sys.stderr)
    shown = [f"{problem['line']}: {problem['message']}" for problem in problems[:SHOWN_PROBLEMS]]
    more = len(problems) - len(shown)
    result["delimiter"] = repr(how.delimiter)
    result["labels"] = ", ".join(f"{label} {count}" for label, count in report.label_counts.items())
    result["problems"] = "".join(f"\n  {line}" for line in shown) or "-"
    print_fields(result)
    if more > 0:
        print(f"  + {more}")
    return 0


def classify(args: argparse.Namespace) -> int:
    """Say which label a run's or a model's classifier gives to each sentence."""
    with quick_imports():
        from kobert_demo.predictor import Predictor  # imports torch: the other verbs open fast

    predictor = Predictor(classifier_of(args), args.exact)
    predictions = predictor.predict(_texts(args.text))
    if args.json:
        return print_json(
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


def encode_texts(args: argparse.Namespace) -> int:
    """Show how a vocabulary cuts each sentence into pieces."""
    TrainingConfig(max_length=args.max_length)  # says what is wrong with it
    vocabulary = (
        SentencePieces(args.vocab)
        if args.vocab
        else read_vocabulary(obtain_checked(args.model, args).vocabulary)
    )
    encodings = [(text, encode(text, vocabulary, args.max_length)) for text in _texts(args.text)]
    if args.json:
        return print_json([{"text": text, **encoding.padded()} for text, encoding in encodings])
    for _, encoding in encodings:
        print(" ".join(encoding.tokens), " ".join(map(str, encoding.input_ids)), sep="\t")
    return 0


def _texts(given: Sequence[str]) -> list[str]:
    """Return the sentences; `-` stands for standard input, a sentence a line."""
    if list(given) != ["-"]:
        return [os.fsencode(text).decode("utf-8", errors="replace") for text in given]
    lines = sys.stdin.buffer.read().decode("utf-8", errors="replace").split("\n")
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]
