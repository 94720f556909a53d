"""What the benchmarks compute with: models of two sizes, and real sentences."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification

from kobert_demo.model_files import BUILT_IN, ModelFiles, find_model
from kobert_demo.pretraining_data import read_rows
from kobert_demo.sentence_pieces import SentencePieces

DATA = Path(__file__).parents[2] / "shared" / "data"
EMOTIONS = ("공포", "놀람", "분노", "슬픔", "중립", "행복", "혐오")


@cache
def kobert_sized() -> ModelFiles:
    """Return a classifier of KoBERT's shape, 92 million random weights: time does not ask for more."""
    directory = Path(tempfile.mkdtemp(prefix="kobert-sized-"))
    atexit.register(shutil.rmtree, directory)
    torch.manual_seed(0)
    config = BertConfig(vocab_size=8002, pad_token_id=1, num_labels=len(EMOTIONS))
    config.id2label = dict(enumerate(EMOTIONS))
    BertForSequenceClassification(config).save_pretrained(directory)
    (directory / "mini.spiece").write_bytes(vocabulary().source)
    return find_model(str(directory))


@cache
def vocabulary() -> SentencePieces:
    return SentencePieces(BUILT_IN / "mini" / "mini.spiece")


@cache
def reddit(count: int) -> tuple[list[str], list[int]]:
    """Return sentences of the Reddit training file, evenly taken, and their class numbers."""
    rows = list(read_rows(DATA / "emotions7-reddit-train.tsv"))
    rows = rows[:: max(1, len(rows) // count)][:count]
    return [text for text, _ in rows], [EMOTIONS.index(label) for _, label in rows]
