"""Small models and data that tests make for themselves."""

import time
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from kobert_demo.config import TrainingConfig
from kobert_demo.dataset import DataChoice, detect_columns, parse, save_dataset
from kobert_demo.encoded import Encoded, encode_texts
from kobert_demo.model_files import find_model
from kobert_demo.processes import process_lives
from kobert_demo.reading import detect_format
from kobert_demo.runs import Runs
from kobert_demo.sentence_pieces import SentencePieces

EIGHT = [
    ("오늘 정말 행복해요", 0),
    ("기분이 너무 좋다", 0),
    ("최고의 하루였어!", 0),
    ("선물 고마워 ㅎㅎ", 0),
    ("진짜 화가 나네", 1),
    ("짜증나서 못 참겠어", 1),
    ("이게 뭐야 어이없어", 1),
    ("그만 좀 하라고!!", 1),
]


def vocabulary() -> SentencePieces:
    return SentencePieces(find_model("mini").vocabulary)


def tiny_config(labels: int = 2, **changes: object) -> BertConfig:
    """A BERT of 2 layers, 16 wide, over mini's vocabulary."""
    values: dict[str, object] = {
        "vocab_size": 8002,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "pad_token_id": 1,
        "num_labels": labels,
    }
    return BertConfig(**{**values, **changes})


def tiny_model(labels: int = 2, seed: int = 0, **changes: object) -> BertForSequenceClassification:
    torch.manual_seed(seed)
    return BertForSequenceClassification(tiny_config(labels, **changes))


def save_tiny_model(directory: Path, model: BertForSequenceClassification | None = None) -> Path:
    """Write a tiny model in Hugging Face format, as a person might have one."""
    (model or tiny_model()).save_pretrained(directory)
    (directory / "tiny.spiece").write_bytes(vocabulary().source)
    return directory


def eight_sentences(max_length: int = 16) -> Encoded:
    texts, labels = zip(*EIGHT, strict=True)
    return encode_texts(texts, np.array(labels), vocabulary(), max_length)


def write_comments(path: Path, comments: Path, rows: int) -> Path:
    """Write the first `rows` of a file of comments, each label in its share."""
    head, *lines = comments.read_text(encoding="utf-8").splitlines()
    few = lines[:: len(lines) // rows][:rows]
    path.write_text("\n".join([head, *few, ""]), encoding="utf-8")
    return path


def train_mini(directory: Path, comments: Path) -> Path:
    """Train two runs of `mini`, four steps and then eight, and return their workspace."""
    path = write_comments(directory / "comments.tsv", comments, rows=80)
    how = detect_format(path)
    data = parse(path, how, detect_columns(path, how), name=path.name)
    runs = Runs(directory / "workspace")
    choice = DataChoice(save_dataset(data, runs.workspace), None, 0.2, 1)
    settings = {"batch_size": 16, "max_length": 32, "learning_rate": 1e-3}
    started = [
        runs.launch(choice, TrainingConfig("mini", epochs=epochs, **settings), f"baseline {epochs}")
        for epochs in (1, 2)
    ]
    deadline = time.monotonic() + 180
    while any(runs.get(run).active or process_lives(runs.directory(run)) for run in started):
        assert time.monotonic() < deadline, [runs.log(run) for run in started]
        time.sleep(0.1)
    return runs.workspace


def write_tsv(path: Path, copies: int = 5, ending: str = "") -> Path:
    """Write a TSV of `8 x copies` different sentences with two labels."""
    rows = [
        f"{text} {number}{ending}\t{('행복', '분노')[label]}"
        for number in range(copies)
        for text, label in EIGHT
    ]
    path.write_text("\n".join(["sentence\tlabel", *rows, ""]), encoding="utf-8")
    return path
