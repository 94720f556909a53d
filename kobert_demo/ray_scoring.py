"""Parts of files -> the same with answers, by workers of a Ray cluster, each with one copy of the model.

Workers answer with the content of a part's file; only this process writes. So a part that a killed worker
left, and that another one did again, is in the output once. What is done stands in a log beside the parts;
the manifest appears when all is there and every row has been counted.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kobert_demo.errors import DataError
from kobert_demo.file_scoring import UNREADABLE
from kobert_demo.score_parts import Part, as_key, score_part

if TYPE_CHECKING:
    from kobert_demo.predictor import Predictor

MANIFEST, DONE = "manifest.json", "parts.jsonl"
Row = dict[str, Any]


class Scorer:
    """A worker's copy of the model.

    Args:
        bundle: Ray's reference to its files, name to content: the worker's machine need not have them.
        gpus: that Ray has given to this worker, 0 or 1.
    """

    def __init__(self, bundle: Any, exact: bool, gpus: int) -> None:
        import ray

        from kobert_demo.predictor import Predictor

        with tempfile.TemporaryDirectory() as directory:
            for name, content in ray.get(bundle).items():
                (Path(directory) / name).write_bytes(content)
            self._predictor = Predictor(directory, exact, "cuda" if gpus else "cpu")

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Score a batch of one part."""
        (part,) = batch["item"]
        content, summary = score_part(part, self._predictor)
        said = {"precision": self._predictor.precision, "summary": asdict(summary)}
        return {"number": [part.number], "content": [content], "said": [json.dumps(said)]}


def score_on_cluster(
    parts: list[Part],
    bundle: Path,
    predictor: "Predictor",
    out: Path,
    workers: int,
    gpus: int = 0,
    exact: bool = False,
    resume: bool = False,
    progress: Callable[[float], None] = lambda share: None,
) -> Row:
    """Write all parts and the manifest to the directory `out` and return the manifest.

    The caller is connected to the cluster. Leaving in the middle keeps what is done for `resume`.

    Args:
        bundle: where the files of the model lie; predictor: the same model here.
        workers: how many score at the same time; gpus: of each, 0 or 1.
        progress: hears which share of the parts is done.

    Raises:
        DataError: `out` holds other work, or a file was changed.
    """
    key = {"model": predictor.sha256, "exact": exact, "parts": [as_key(part) for part in parts]}
    done = _begin(out, key, resume)
    missing = [part for part in parts if part.number not in done]
    progress(len(done) / max(len(parts), 1))
    with (out / DONE).open("a", encoding="utf-8") as log:
        for number, content, said in _answers(missing, bundle, workers, gpus, exact):
            path = out / parts[number].name
            new = path.with_name(f"{path.name}.new")
            new.write_bytes(content)
            new.replace(path)
            done[number] = {"number": number, "file": path.name, **said}
            print(json.dumps(done[number], ensure_ascii=False), file=log, flush=True)
            progress(len(done) / len(parts))
    manifest = _manifest(parts, key, [done[part.number] for part in parts])
    _write(out / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
    (out / DONE).unlink()
    return manifest


def _answers(
    parts: list[Part], bundle: Path, workers: int, gpus: int, exact: bool
) -> Iterator[tuple[int, bytes, Row]]:
    """Yield number, content and what is said of each part, as they come."""
    import ray.data

    if not parts:
        return
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    files = {path.name: path.read_bytes() for path in bundle.iterdir() if path.is_file()}
    size = min(workers, len(parts))
    scored = ray.data.from_items(parts, override_num_blocks=len(parts)).map_batches(
        Scorer,
        fn_constructor_args=(ray.put(files), exact, gpus),
        batch_size=1,
        num_cpus=1,
        num_gpus=gpus,
        compute=ray.data.ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=2),
    )
    for row in scored.iter_rows():
        yield int(row["number"]), bytes(row["content"]), json.loads(row["said"])


def _begin(out: Path, key: Row, resume: bool) -> dict[int, Row]:
    """Return the parts that are done, by number; an empty directory holds none."""
    if (out / MANIFEST).exists():
        raise DataError("{out} is there already: choose another name.", out=out)
    log = out / DONE
    if not log.exists():
        if out.exists() and any(out.iterdir()):
            raise DataError("{out} is there already: choose another name.", out=out)
        out.mkdir(parents=True, exist_ok=True)
        _write(log, json.dumps(key, ensure_ascii=False) + "\n")
        return {}
    if not resume:
        raise DataError(
            "{partial} is there, from work that was cut off: go on with it by --resume, or delete it.",
            partial=log,
        )
    whole = [line for line in log.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    try:
        kept, *rows = map(json.loads, whole)
        done = {row["number"]: row for row in rows if (out / row["file"]).is_file()}
    except UNREADABLE:
        kept, done = None, {}
    if kept != key:
        raise DataError(
            "{partial} comes from another file, model or setting: give those again, or delete it.",
            partial=log,
        )
    _write(log, b"".join(whole).decode())  # without the line that was being written
    return done


def _manifest(parts: list[Part], key: Row, done: list[Row]) -> Row:
    """Return what is said of all parts, after counting that every row is there once."""
    rows_in, rows_out = (
        sum(part.rows for part in parts),
        sum(row["summary"]["rows"] for row in done),
    )
    if rows_in != rows_out:
        raise AssertionError(f"{rows_in} rows were to be scored, and {rows_out} were")
    counts: dict[str, int] = {}
    for row in done:
        for label, count in row["summary"]["counts"].items():
            counts[label] = counts.get(label, 0) + count
    listed = [
        {
            "file": row["file"],
            "source": str(part.path),
            "first": part.first,
            "rows": row["summary"]["rows"],
            "scored": row["summary"]["scored"],
            "precision": row["precision"],
        }
        for part, row in zip(parts, done, strict=True)
    ]
    scored = sum(row["scored"] for row in listed)
    said = {"rows_in": rows_in, "rows_out": rows_out, "scored": scored, "labels": counts}
    return {"model": key["model"], **said, "parts": listed}


def _write(path: Path, text: str) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
