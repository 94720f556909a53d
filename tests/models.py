"""Small models and data that tests make for themselves."""

from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from kobert_demo.encoded import Encoded, encode_texts
from kobert_demo.model_files import find_model
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


def write_tsv(path: Path, copies: int = 5, ending: str = "") -> Path:
    """Write a TSV of `8 x copies` different sentences with two labels."""
    rows = [
        f"{text} {number}{ending}\t{('행복', '분노')[label]}"
        for number in range(copies)
        for text, label in EIGHT
    ]
    path.write_text("\n".join(["sentence\tlabel", *rows, ""]), encoding="utf-8")
    return path
