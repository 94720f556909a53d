"""The command line's grammar: verbs, arguments, defaults."""

import argparse
import os
from pathlib import Path
from typing import NoReturn

from kobert_demo.charset import ENCODINGS
from kobert_demo.config import PRESETS, SETTINGS, TrainingConfig
from kobert_demo.export import FORMS
from kobert_demo.model_files import KOBERT, READY_MADE

DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";"}
DEFAULT_WORKSPACE = "workspace"
DOCUMENT, LINES = "one JSON document", "one JSON object a line"
MODELS = "a built-in model, a name on the Hugging Face hub, or a directory"


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[:1].upper()}{message[1:]}: see {self.prog} --help.\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of every verb; the chosen one is `verb`."""
    top = Parser(prog="python -m kobert_demo", description="Fine-tune KoBERT and classify Korean.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    _check(verbs.add_parser("check", help="say what a file holds and what cannot be used"))
    _train(verbs.add_parser("train", help="fine-tune a model on a file and follow it"))
    _classify(verbs.add_parser("classify", help="classify sentences"))
    _encode(verbs.add_parser("encode", help="show the pieces and ids of sentences"))
    _score(verbs.add_parser("score", help="classify every sentence of a file"))
    _evaluate(verbs.add_parser("evaluate", help="say how good a run's model is"))
    _common(verbs.add_parser("runs", help="list all runs"))
    _of_run(verbs.add_parser("watch", help="follow a run, a line for what is new"), LINES)
    _of_run(verbs.add_parser("history", help="tell every step and evaluation of a run"))
    _of_run(verbs.add_parser("stop", help="ask a run to end after its step, or leave the queue"))
    _of_run(verbs.add_parser("resume", help="let a run go on from its last checkpoint"))
    _of_run(verbs.add_parser("delete", help="remove a run that has ended, and its model"))
    _verify(verbs.add_parser("verify", help="prove that a model is what it claims to be"))
    _import(verbs.add_parser("import", help="bring the weights that a notebook saved"))
    _export(verbs.add_parser("export", help="take a run's best model away"))
    return top


def _of_run(verb: argparse.ArgumentParser, form: str = DOCUMENT) -> None:
    verb.add_argument("run", metavar="ID", help="as `runs` lists it")
    _common(verb, form)


def _check(verb: argparse.ArgumentParser) -> None:
    _file(verb)
    verb.add_argument(
        "--model", default=TrainingConfig.model, help="whose vocabulary to count with"
    )
    verb.add_argument("--max-length", type=int, default=TrainingConfig.max_length)
    _common(verb)


def _train(verb: argparse.ArgumentParser) -> None:
    _file(verb)
    verb.add_argument("--test", type=Path, metavar="FILE", help="test data in a file of its own")
    verb.add_argument(
        "--test-fraction", type=float, default=0.2, help="else: the share of rows to test on (0.2)"
    )
    verb.add_argument("--model", help=f"{MODELS} ({KOBERT} with a GPU, else mini)")
    for name, setting in SETTINGS.items():
        default = getattr(TrainingConfig, name)
        others = [f"{model}: {own[name]}" for model, own in PRESETS.items() if name in own]
        verb.add_argument(
            f"--{name.replace('_', '-')}",
            type=type(default),
            help=f"{setting.effect} ({'; '.join([str(default), *others])})",
        )
    verb.add_argument(
        "--devices",
        type=_devices,
        default=1,
        metavar="N|all",
        help="how many GPUs of this machine share each batch, a process on each; without a GPU, how many "
        "processes (1)",
    )
    _cluster(verb, "train", "ray: on the workers of a Ray cluster, which share each batch")
    verb.add_argument(
        "--storage", default="", metavar="URL", help="a second place for checkpoints and models"
    )
    verb.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="for a cluster that does not answer or has no room, rather than fail (--wait)",
    )
    _common(verb)


def _devices(given: str) -> int:
    """Return how many processes train, 0 for one on each GPU."""
    return 0 if given == "all" else _count(given)


def _classify(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("text", nargs="+", help="a sentence; - reads one a line from standard input")
    _classifier(verb)
    _common(verb)


def _classifier(verb: argparse.ArgumentParser) -> None:
    source = verb.add_mutually_exclusive_group()
    source.add_argument("--run", metavar="ID", help="classify with this run's best model")
    source.add_argument(
        "--model", default=READY_MADE, help=f"a classifier's name or directory ({READY_MADE})"
    )
    verb.add_argument(
        "--exact", action="store_true", help="in float32, also where bfloat16 is quicker"
    )


def _score(verb: argparse.ArgumentParser) -> None:
    _file(verb, "any file of sentences, with labels or without")
    _classifier(verb)
    verb.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="a new file; .csv with commas"
    )
    verb.add_argument("--resume", action="store_true", help="go on with what was cut off")
    verb.add_argument(
        "--guard", action="store_true", help="put ' before what spreadsheets would compute"
    )
    _cluster(
        verb,
        "score",
        "ray: FILE is a folder or pattern of TSV and Parquet files, --out a new directory",
    )
    _common(verb)


def _cluster(verb: argparse.ArgumentParser, does: str, what: str) -> None:
    verb.add_argument("--on", choices=("here", "ray"), default="here", help=what)
    verb.add_argument(
        "--ray-address", metavar="HOST:PORT", help="of the cluster (KOBERT_DEMO_RAY_ADDRESS)"
    )
    verb.add_argument("--workers", type=_count, default=1, help=f"how many {does} on it (1)")
    verb.add_argument(
        "--gpus", type=int, choices=(0, 1), default=0, help="of each worker: 0 takes its CPU (0)"
    )


def _count(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError("give a whole number from 1")
    return int(given)


def _encode(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("text", nargs="+", help="a sentence; - reads one a line from standard input")
    source = verb.add_mutually_exclusive_group()
    source.add_argument("--vocab", type=Path, metavar="FILE", help="a SentencePiece file")
    source.add_argument("--model", default=TrainingConfig.model, help=f"{MODELS} (mini)")
    verb.add_argument("--max-length", type=int, default=TrainingConfig.max_length)
    _common(verb)


def _evaluate(verb: argparse.ArgumentParser) -> None:
    _file(verb, "labelled sentences; without it, the test data of the run", nargs="?")
    verb.add_argument("--run", required=True, metavar="ID")
    _common(verb)


def _verify(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--model", default=KOBERT, help=f"{MODELS} ({KOBERT})")
    _common(verb)


def _import(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("file", type=Path, help="what torch.save(model.state_dict(), FILE) wrote")
    verb.add_argument(
        "--labels", required=True, help="with commas between them, in the order of their numbers"
    )
    verb.add_argument("--model", default=KOBERT, help=f"what was fine-tuned ({KOBERT})")
    verb.add_argument("--max-length", type=int, default=TrainingConfig.max_length)
    verb.add_argument("--name", help="the run's name (the file's)")
    _common(verb)


def _export(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--run", required=True, metavar="ID")
    verb.add_argument("--format", choices=FORMS, default="directory", help="(directory)")
    verb.add_argument(
        "--out", type=Path, required=True, metavar="PATH", help="where nothing is yet"
    )
    _common(verb)


def _file(
    verb: argparse.ArgumentParser,
    what: str = "a TSV with a sentence and a label on each line",
    nargs: str | None = None,
) -> None:
    verb.add_argument("file", type=Path, nargs=nargs, help=what)
    verb.add_argument("--text-column", metavar="NAME|N", help="by name or by number from 1")
    verb.add_argument("--label-column", metavar="NAME|N", help="by name or by number from 1")
    verb.add_argument("--encoding", choices=ENCODINGS)
    verb.add_argument("--delimiter", type=lambda name: DELIMITERS.get(name, name), metavar="NAME")
    verb.add_argument("--header", action=argparse.BooleanOptionalAction)


def _common(verb: argparse.ArgumentParser, form: str = DOCUMENT) -> None:
    verb.add_argument("--json", action="store_true", help=f"print {form}")
    verb.add_argument(
        "--workspace",
        type=lambda path: Path(path).resolve(),
        default=os.environ.get("KOBERT_DEMO_WORKSPACE") or DEFAULT_WORKSPACE,
        metavar="DIR",
        help="where datasets and runs are kept (./workspace, or KOBERT_DEMO_WORKSPACE)",
    )
