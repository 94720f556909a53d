"""Model files -> a `Verdict`: whether they are whole, can read Korean, and whether KoBERT is KoBERT.

The wrong vocabulary or the wrong weights train without an error and learn nothing, so every model is
looked at once, when it is first used. What proves KoBERT are the figures that its makers published
(SKTBrain/KoBERT, README.md and kobert_hf/README.md).
"""

import csv
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kobert_demo.bundle import read_record
from kobert_demo.encoding import Vocabulary
from kobert_demo.hub import digest
from kobert_demo.language import Message
from kobert_demo.model_files import BUILT_IN, RECORD, ModelFiles, built_in_models
from kobert_demo.preflight import MOST_UNKNOWN
from kobert_demo.sentence_pieces import SentencePieces
from kobert_demo.vocabularies import read_vocabulary

KOREAN = BUILT_IN.with_name("data") / "everyday.tsv"
KOBERTS = ("skt/kobert-base-v1", "monologg/kobert")
KOBERT_PIECES = 8002
SPECIAL_IDS = (0, 1, 2, 3, 4)  # [UNK] [PAD] [CLS] [SEP] [MASK]
PUBLISHED_SENTENCE = "한국어 모델을 공유합니다."
PUBLISHED_IDS = [4958, 6855, 2046, 7088, 1050, 7843, 54]
PUBLISHED_INPUT = {
    "input_ids": [[31, 51, 99], [15, 5, 0]],
    "attention_mask": [[1, 1, 1], [1, 1, 0]],
    "token_type_ids": [[0, 0, 1], [0, 1, 0]],
}
PUBLISHED_ENDS = ([-0.2461, 0.2428, 0.2590], [-0.4861, -0.0731, 0.0756])  # of the first output row
TOLERANCE = 1e-3
EDITION = 1  # of the checks: with another one, every model is looked at anew


@dataclass(frozen=True)
class Check:
    """One question that was asked of a model, and its answer in words."""

    name: Message
    passed: bool
    answer: Message


@dataclass(frozen=True)
class Verdict:
    """What all checks of a model say together.

    Attributes:
        kobert: whether it is KoBERT; None where it does not look like it and nobody said so.
    """

    model: str
    kobert: bool | None
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def verify(files: ModelFiles) -> Verdict:
    """Ask everything of a model.

    Raises:
        ModelError: its vocabulary or its weights cannot be read at all.
    """
    vocabulary = read_vocabulary(files.vocabulary)
    checks = [_whole(files), _special_pieces(vocabulary), _reads_korean(vocabulary)]
    proof: list[Check] = []
    if _looks_like_kobert(files, vocabulary):
        proof.append(_cuts_like_kobert(vocabulary))
    if files.weights is not None:
        encoder = _encoder(files, vocabulary)
        checks.append(_loads(encoder, vocabulary, files))
        if proof and files.shape.kind == "bert":
            proof.append(_answers_like_kobert(encoder))
    complete = len(proof) == 2  # DistilKoBERT shares the vocabulary alone
    kobert = all(check.passed for check in proof) if complete else None
    return Verdict(files.name, kobert, (*checks, *proof))


def verify_once(files: ModelFiles, workspace: Path) -> Verdict:
    """Return the verdict that was kept of these very files, or ask everything and keep it.

    Raises:
        ModelError: see `verify`.
    """
    known = verdict_of(files, workspace)
    if known is None:
        known = verify(files)
        path = _kept_at(files, workspace)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(_pack(known), ensure_ascii=False), encoding="utf-8")
    return known


def verdict_of(files: ModelFiles, workspace: Path) -> Verdict | None:
    """Return the verdict that was kept of these very files; None where nobody has asked yet."""
    try:
        return _unpack(json.loads(_kept_at(files, workspace).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _kept_at(files: ModelFiles, workspace: Path) -> Path:
    """Return where a verdict is kept: under a name that changes with the files."""
    others = (files.directory / name for name in ("config.json", "tokenizer_config.json", RECORD))
    states = [
        path.stat() for path in (files.weights, files.vocabulary, *others) if path and path.exists()
    ]
    seen = [EDITION, files.lasting_name, *((s.st_size, s.st_mtime_ns) for s in states)]
    name = hashlib.sha256(repr(seen).encode()).hexdigest()[:16]
    return workspace / "verified" / f"{name}.json"


def file_hashes(files: ModelFiles) -> list[dict[str, Any]]:
    """Return `file`, `bytes` and `sha256` of what is loaded of a model."""
    return [
        {"file": path.name, "bytes": path.stat().st_size, "sha256": digest(path)}
        for path in _loaded(files)
    ]


def _loaded(files: ModelFiles) -> list[Path]:
    return [files.directory / "config.json", files.vocabulary, *filter(None, [files.weights])]


def _whole(files: ModelFiles) -> Check:
    """Compare hashes with what is known of the files: the hub's own, or those in the model card."""
    name = Message("Files")
    if files.name in built_in_models():
        card = (files.directory / "README.md").read_text("utf-8")
        weights = files.weights and digest(files.weights)
        whole = weights in re.findall(r"\b[0-9a-f]{64}\b", card)
        return Check(name, whole, Message("SHA-256 of the weights: {hash}", {"hash": weights}))
    if files.revision is None:
        return Check(name, True, Message("All are there; nothing is known to compare them with."))
    broken = [path for path in _loaded(files) if not _as_on_hub(path)]
    answer = Message("As on the hub at commit {commit}.", {"commit": files.revision})
    if broken:
        answer = Message(
            "Not as on the hub: {files}. Delete {paths} and download again.",
            {
                "files": ", ".join(path.name for path in broken),
                "paths": ", ".join(str(path.resolve()) for path in broken),
            },
        )
    return Check(name, not broken, answer)


def _as_on_hub(path: Path) -> bool:
    """Say whether a file's content is what its name in the hub's cache promises.

    (A blob is named after its SHA-256, a small file's after git's SHA-1 of it.)
    """
    blob = path.resolve()
    if not path.is_symlink():  # a system without links: there the name promises nothing
        return True
    return digest(blob, git=len(blob.name) == 40) == blob.name


def _special_pieces(vocabulary: Vocabulary) -> Check:
    ids = vocabulary.special_ids
    values = {"pieces": len(vocabulary), "ids": ", ".join(map(str, ids))}
    answer = Message("{pieces} pieces; [UNK] [PAD] [CLS] [SEP] [MASK] are {ids}.", values)
    return Check(Message("Vocabulary"), len(set(ids)) == len(ids), answer)


def _reads_korean(vocabulary: Vocabulary) -> Check:
    with KOREAN.open(encoding="utf-8", newline="") as file:
        ids = [
            id
            for row in list(csv.reader(file, delimiter="\t"))[1:]
            for id in vocabulary.ids(row[0])
        ]
    unknown = ids.count(vocabulary.unk_id) / len(ids) if ids else 1.0
    answer = Message(
        "{share} of the pieces of everyday Korean are [UNK].", {"share": f"{unknown:.1%}"}
    )
    return Check(Message("Reads Korean"), unknown <= MOST_UNKNOWN, answer)


def _loads(encoder: Any, vocabulary: Vocabulary, files: ModelFiles) -> Check:
    """Look at every weight, and at what becomes of the longest text there can be."""
    import torch

    name = Message("Weights")
    count = sum(weight.numel() for weight in encoder.parameters())
    positions = files.shape.positions
    config = files.shape.config
    if files.shape.kind == "roberta" and config.get("pad_token_id", 1) != vocabulary.pad_id:
        return Check(name, False, Message("Their padding id is not the vocabulary's."))
    ids = [vocabulary.cls_id, *vocabulary.ids(PUBLISHED_SENTENCE * positions)[: positions - 2]]
    with torch.inference_mode():
        out = encoder(input_ids=torch.tensor([[*ids, vocabulary.sep_id]])).last_hidden_state
    if not all(bool(weight.isfinite().all()) for weight in (*encoder.parameters(), out)):
        return Check(name, False, Message("They hold or give values that are no numbers."))
    values = {"kind": type(encoder).__name__, "count": f"{count:,}"}
    return Check(name, True, Message("{kind}, {count} numbers, complete.", values))


def _encoder(files: ModelFiles, vocabulary: Vocabulary) -> Any:
    """Return the encoder, in float32 and evaluation mode."""
    from kobert_demo.model import new_classifier  # imports torch: reading a verdict does not

    return new_classifier(files, ("0", "1"), 0.0, vocabulary).base_model.eval()


def _looks_like_kobert(files: ModelFiles, vocabulary: Vocabulary) -> bool:
    """Say whether a model claims to be KoBERT: by its name, or by a vocabulary of KoBERT's size."""
    if files.name.partition("@")[0] in KOBERTS:
        return True
    if files.name in built_in_models() or _fine_tuned(files):
        return False
    sized = files.shape.kind == "bert" and files.shape.config.get("vocab_size") == KOBERT_PIECES
    return sized or (isinstance(vocabulary, SentencePieces) and len(vocabulary) == KOBERT_PIECES)


def _fine_tuned(files: ModelFiles) -> bool:
    """Say whether this is a bundle: a classifier, whose weights are no longer those published."""
    if not (files.directory / RECORD).is_file():
        return False
    classifier = str(files.shape.config.get("architectures")).endswith(
        "ForSequenceClassification']"
    )
    return classifier and bool(read_record(files.directory).get("labels"))


def _cuts_like_kobert(vocabulary: Vocabulary) -> Check:
    name = Message("KoBERT's vocabulary")
    if not isinstance(vocabulary, SentencePieces) or vocabulary.special_ids != SPECIAL_IDS:
        return Check(name, False, Message("No: its special pieces are not KoBERT's."))
    found = vocabulary.sentence_ids(PUBLISHED_SENTENCE)
    values = {
        "sentence": PUBLISHED_SENTENCE,
        "ids": " ".join(map(str, found)),
        "published": " ".join(map(str, PUBLISHED_IDS)),
    }
    if found == PUBLISHED_IDS:
        return Check(name, True, Message("“{sentence}” becomes {ids}, as published.", values))
    answer = Message("No: “{sentence}” becomes {ids}; published is {published}.", values)
    return Check(name, False, answer)


def _answers_like_kobert(encoder: Any) -> Check:
    import torch

    name = Message("KoBERT's weights")
    try:
        with torch.inference_mode():
            inputs = {key: torch.tensor(rows) for key, rows in PUBLISHED_INPUT.items()}
            row = encoder(**inputs).last_hidden_state[0, 0].double()
    except (IndexError, RuntimeError):  # too few pieces or segments
        return Check(name, False, Message("No: they cannot read the published example."))
    first, last = PUBLISHED_ENDS
    found = torch.cat([row[: len(first)], row[-len(last) :]])
    published = torch.tensor([*first, *last], dtype=torch.double)
    values = {"found": _numbers(found), "published": _numbers(published)}
    if found.shape == published.shape and (found - published).abs().max() <= TOLERANCE:
        return Check(
            name, True, Message("The published example gives {found}, as published.", values)
        )
    answer = Message("No: the published example gives {found}; published is {published}.", values)
    return Check(name, False, answer)


def _numbers(values: Any) -> str:
    shown = [f"{value:.4f}" for value in values.tolist()]
    return " ".join([*shown[:3], "…", *shown[3:]])


def _pack(verdict: Verdict) -> dict[str, Any]:
    def spoken(message: Message) -> dict[str, Any]:
        return {"text": message.text, "values": dict(message.values)}

    checks = [
        {"name": check.name.text, "passed": check.passed, "answer": spoken(check.answer)}
        for check in verdict.checks
    ]
    return {"model": verdict.model, "kobert": verdict.kobert, "checks": checks}


def _unpack(kept: dict[str, Any]) -> Verdict:
    checks = (
        Check(Message(row["name"]), bool(row["passed"]), Message(**row["answer"]))
        for row in kept["checks"]
    )
    return Verdict(kept["model"], kept["kobert"], tuple(checks))
