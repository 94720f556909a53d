"""The shell's verbs for runs."""

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kobert_demo.config import SETTINGS, preset
from kobert_demo.data_arguments import read_dataset
from kobert_demo.dataset import (
    DataChoice,
    Dataset,
    save_dataset,
    summarize,
    with_labels_of,
)
from kobert_demo.device import devices, processes_on
from kobert_demo.encoded_store import encode_dataset
from kobert_demo.follow import follow
from kobert_demo.language import Message
from kobert_demo.model_verbs import chosen_model, obtain_checked
from kobert_demo.place import Place
from kobert_demo.preflight import inspect, unreadable
from kobert_demo.printing import print_fields, print_json, print_table, spoken_language
from kobert_demo.ray_cluster import cluster_address
from kobert_demo.runs import Runs
from kobert_demo.storage import whole_url
from kobert_demo.store import Run
from kobert_demo.vocabularies import read_vocabulary
from kobert_demo.watch import in_words, watch


def train(args: argparse.Namespace) -> int:
    """Launch a run on a file and follow it to its end; Ctrl-C stops the run."""
    given = {name: getattr(args, name) for name in SETTINGS}
    chosen = {name: value for name, value in given.items() if value is not None}
    model, why = chosen_model(args.model)
    config = replace(preset(model), **chosen)
    place = _place(args)
    data, _ = read_dataset(args.file, args)
    test, _ = read_dataset(args.test, args, least=1) if args.test else (None, None)
    if why:
        print(why.in_language(spoken_language()), file=sys.stderr)
    vocabulary = read_vocabulary(obtain_checked(config.model, args).vocabulary)
    for part in filter(None, (data, with_labels_of(data.labels, test) if test else None)):
        encoded = encode_dataset(part, vocabulary, args.workspace)
        report = inspect(part, encoded, vocabulary, config.max_length)
        _say_what_is_wrong(part, report.unk_rate)
    choice = DataChoice(
        save_dataset(data, args.workspace),
        save_dataset(test, args.workspace) if test else None,
        args.test_fraction,
        config.seed,
    )
    runs = Runs(args.workspace)
    return _followed(runs, runs.launch(choice, config, place=place), args)


def _place(args: argparse.Namespace) -> Place:
    """Return where the run shall train.

    Raises:
        ConfigError: this machine has too few devices, there is no address of a cluster, or no such
            storage.
    """
    if args.on == "here":
        processes_on(devices(), args.devices)
        return Place(args.devices)
    address = cluster_address(args.ray_address)
    return Place(args.workers, address, args.gpus, whole_url(args.storage), args.wait)


def resume(args: argparse.Namespace) -> int:
    """Let a run go on from its last checkpoint and follow it to its end; Ctrl-C stops it again."""
    runs = Runs(args.workspace)
    runs.resume(args.run)
    return _followed(runs, args.run, args)


def _followed(runs: Runs, run_id: str, args: argparse.Namespace) -> int:
    """Follow a run to its end and print how it ended; return the exit status."""
    run = follow(runs, run_id, spoken_language())
    result = {
        "run": run.run,
        "status": run.status,
        "accuracy": run.accuracy,
        "macro_f1": run.macro_f1,
        "loss": run.loss,
        "train_seconds": round(run.seconds, 3),
        "sentences_per_second": round(run.sentences / run.seconds, 1) if run.seconds else None,
    }
    print_json(result) if args.json else print_fields(result)
    return _ending(runs, run)


def _ending(runs: Runs, run: Run) -> int:
    """Say on standard error what went wrong, and where the log is; return the exit status."""
    if run.error:
        print(run.error.in_language(spoken_language()), file=sys.stderr)
        print(runs.log_path(run.run), file=sys.stderr)
    return 0 if run.status in ("finished", "stopped", "imported") else 2


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
            "notice": run.notice and run.notice.in_language(spoken_language()),
            "error": run.error and run.error.in_language(spoken_language()),
            "created_at": datetime.fromtimestamp(run.created_at, UTC).isoformat(),
            "tags": list(run.tags),
            "note": run.note,
        }
        for run in Runs(args.workspace).list()
    ]
    if args.json:
        return print_json(rows)
    for row in rows:
        figures = "-" if row["macro_f1"] is None else f"{row['accuracy']:.3f} {row['macro_f1']:.3f}"
        progress = f"{row['step']}/{row['steps']}"
        print(row["run"], row["status"], progress, figures, row["name"], sep="\t")
    return 0


def watch_run(args: argparse.Namespace) -> int:
    """Print what a run does, a line at a time, until it has ended; Ctrl-C leaves it alone."""
    runs = Runs(args.workspace)
    for happening in watch(runs, args.run, spoken_language()):
        if args.json:
            print_json(happening)
        else:
            print(in_words(happening, spoken_language()))
        sys.stdout.flush()
    return _ending(runs, runs.get(args.run))


def tell_history(args: argparse.Namespace) -> int:
    """Print every training step and every evaluation of a run, each once."""
    runs = Runs(args.workspace)
    run = runs.get(args.run).run
    history = {"train": runs.store.steps(run), "evaluations": runs.store.evaluations(run)}
    for row in [*history["train"], *history["evaluations"]]:
        del row["run"]
    if args.json:
        return print_json(history)
    for name, rows in history.items():
        print(name)
        print_table([{key: row[key] for key in row if key != "confusion"} for row in rows])
    return 0


def stop_run(args: argparse.Namespace) -> int:
    """Ask a run to end after its current step, or to leave the queue; nobody waits for it here."""
    Runs(args.workspace).stop(args.run)
    return _done(args, Message("The run {run} was asked to stop.", {"run": args.run}))


def delete_run(args: argparse.Namespace) -> int:
    """Remove a run that has ended, with its files."""
    Runs(args.workspace).delete(args.run)
    return _done(args, Message("The run {run} and its files are gone.", {"run": args.run}))


def _done(args: argparse.Namespace, said: Message) -> int:
    text = said.in_language(spoken_language())
    if args.json:
        return print_json({"run": args.run, "message": text})
    print(text)
    return 0
