"""Tiny repositories with the files, names and keys of the models that people fine-tune for Korean."""

import csv
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers.implementations import BertWordPieceTokenizer
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    ElectraConfig,
    ElectraForPreTraining,
    PreTrainedModel,
    RobertaConfig,
    RobertaForMaskedLM,
)

from kobert_demo.verify import KOREAN
from tests.models import vocabulary

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# What skt/kobert-base-v1's config.json says, but for its sizes.
KOBERT_KEYS = {
    "architectures": ["BertModel"],
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "pad_token_id": 1,
    "type_vocab_size": 2,
    "vocab_size": 8002,
}


@cache
def word_pieces() -> str:
    """Return the lines of a WordPiece `vocab.txt` over everyday Korean."""
    with KOREAN.open(encoding="utf-8") as file:
        sentences = [row[0] for row in csv.reader(file, delimiter="\t")]
    tokenizer = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    tokenizer.train_from_iterator(
        sentences, vocab_size=900, min_frequency=1, special_tokens=SPECIAL, show_progress=False
    )
    pieces = tokenizer.get_vocab()
    return "".join(f"{piece}\n" for piece in sorted(pieces, key=pieces.__getitem__))


def _settings(directory: Path, **settings: Any) -> None:
    (directory / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def _as_pickle(directory: Path, model: PreTrainedModel, config: dict[str, Any]) -> None:
    """Save as the hub's older repositories do: a pytorch_model.bin and a bare config.json."""
    directory.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), directory / "pytorch_model.bin")
    (directory / "config.json").write_text(json.dumps(config), encoding="utf-8")


def kobert(directory: Path, **sizes: int) -> None:
    """skt/kobert-base-v1: a pytorch_model.bin of a BertModel, and a spiece.model."""
    config = {**KOBERT_KEYS, **SMALL, "intermediate_size": 32, **sizes}
    _as_pickle(directory, BertModel(BertConfig(**config)), config)
    (directory / "spiece.model").write_bytes(vocabulary().source)
    _settings(directory, do_lower_case=False)


def monologg_kobert(directory: Path) -> None:
    """monologg/kobert: a SentencePiece file of another name, and the same pieces in a vocab.txt."""
    kobert(directory)
    (directory / "spiece.model").rename(directory / "tokenizer_78b3253a26.model")
    pieces = vocabulary()
    lines = "".join(f"{pieces.piece(number)}\n" for number in range(len(pieces)))
    (directory / "vocab.txt").write_text(lines, encoding="utf-8")


def distilkobert(directory: Path) -> None:
    """monologg/distilkobert: no pooler, no token types."""
    config = {"dim": 16, "hidden_dim": 32, "n_layers": 2, "n_heads": 2, "vocab_size": 8002}
    config |= {"pad_token_id": 1, "max_position_embeddings": 512}
    model = DistilBertForMaskedLM(DistilBertConfig(**config))
    old = {"architectures": ["DistilBertForMaskedLM"]}  # it was written before model_type was
    _as_pickle(directory, model, {**config, **old})
    (directory / "tokenizer_78b3253a26.model").write_bytes(vocabulary().source)


def klue_bert(directory: Path) -> None:
    """klue/bert-base: WordPiece as vocab.txt and tokenizer.json; here without a pooler."""
    pieces = word_pieces()
    config = BertConfig(**SMALL, intermediate_size=32, vocab_size=pieces.count("\n"))
    BertForMaskedLM(config).save_pretrained(directory)
    (directory / "vocab.txt").write_text(pieces, encoding="utf-8")
    _write_tokenizer(directory)
    _settings(directory, do_lower_case=False, tokenizer_class="BertTokenizer")


def klue_roberta(directory: Path) -> None:
    """klue/roberta-*: RoBERTa's positions, one segment, BERT's special pieces."""
    pieces = word_pieces()
    sizes = {**SMALL, "intermediate_size": 32, "vocab_size": pieces.count("\n")}
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    config = RobertaConfig(**sizes, **ids, max_position_embeddings=130, type_vocab_size=1)
    RobertaForMaskedLM(config).save_pretrained(directory)
    order = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"]
    lines = "\n".join([*order, *pieces.split("\n")[len(order) :]])
    (directory / "vocab.txt").write_text(lines, encoding="utf-8")
    _write_tokenizer(directory)
    _settings(directory, do_lower_case=False, tokenizer_class="BertTokenizer")


def koelectra(directory: Path) -> None:
    """monologg/koelectra-* and beomi/KcELECTRA-*: a discriminator, and a vocab.txt alone."""
    pieces = word_pieces()
    sizes = {**SMALL, "intermediate_size": 32, "embedding_size": 8}
    config = ElectraConfig(**sizes, vocab_size=pieces.count("\n"))
    ElectraForPreTraining(config).save_pretrained(directory)
    (directory / "vocab.txt").write_text(pieces, encoding="utf-8")
    _settings(directory, do_lower_case=False, tokenizer_class="ElectraTokenizer")


def _write_tokenizer(directory: Path) -> None:
    fast = BertWordPieceTokenizer(
        str(directory / "vocab.txt"), lowercase=False, strip_accents=False
    )
    fast.save(str(directory / "tokenizer.json"))


FAMILIES: dict[str, Callable[[Path], None]] = {
    "skt/kobert-base-v1": kobert,
    "monologg/kobert": monologg_kobert,
    "monologg/distilkobert": distilkobert,
    "klue/bert-base": klue_bert,
    "klue/roberta-small": klue_roberta,
    "monologg/koelectra-base-v3-discriminator": koelectra,
    "beomi/KcELECTRA-base-v2022": koelectra,
}


def notebook_state_dict(labels: int = 3, **sizes: int) -> dict[str, torch.Tensor]:
    """Return what the notebook's BERTClassifier saves: the names of a BertForSequenceClassification."""
    config = {**KOBERT_KEYS, **SMALL, "intermediate_size": 32, **sizes}
    return BertForSequenceClassification(BertConfig(**config, num_labels=labels)).state_dict()
