"""A SentencePiece model -> a fast tokenizer, with which other programs cut text as this one does.

`sentence_pieces` splits a text into words and normalises each by itself. The `tokenizers` library
normalises the whole text first. So words are marked before that, and the text is split at the marks alone.

What still differs:

- Repetitions (ㅠㅠㅠㅠㅠ, 너무너무너무): where two orders of the same pieces score the same, the rounding
  of SentencePiece's 32-bit sums chooses; here it is always the order that ends in the longer piece.
- A combining mark after a character that normalising changes (Ａ, ①, ²) gets lost; U+0344 and a few others
  are joined otherwise.
- A character newer than Python's Unicode is unknown, not dropped; a lone surrogate is refused, not dropped.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from itertools import count
from typing import Any

from sentencepiece import SentencePieceProcessor
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

# Private characters, which cleaning has taken out of what a person wrote.
WORD = "\ue000"  # stands before every word
APART = "\ue001"  # stands between two characters that NFC must not join
ALONE = (  # punctuation and CJK ideographs: each is a word
    r"[\p{P}!-/:-@\[-`{-~\x{3400}-\x{4DBF}\x{4E00}-\x{9FFF}\x{F900}-\x{FAFF}"
    r"\x{20000}-\x{2A6DF}\x{2A700}-\x{2CEAF}\x{2F800}-\x{2FA1F}]"
)
FINALS = r"[ㄳㄵㄶㄺ-ㄿﾣﾥﾦﾪ-ﾯ\x{11A8}-\x{11C2}]"  # NFC would put them under a syllable
BYTE_FALLBACK = 35  # SentencePiece's number for the option that spells unknown characters in bytes
UNIGRAM = 1  # SentencePiece's number for the kind of model


def fast_tokenizer(model: bytes, max_length: int) -> Tokenizer:
    """Return a tokenizer that encodes as `sentence_pieces` and `encoding` do.

    It has no added tokens, so that a typed [MASK] is text like any other. `model` is the content of a
    SentencePiece file of the unigram kind; `max_length` counts [CLS] and [SEP].
    """
    pieces, unk_id, charsmap = _read(model)
    tokenizer = Tokenizer(Unigram(pieces, unk_id, byte_fallback=False))
    tokenizer.normalizer = _normalizer(charsmap)
    split, spaces = pre_tokenizers.Split(WORD, "removed"), pre_tokenizers.Metaspace(split=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, spaces])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(piece, tokenizer.token_to_id(piece)) for piece in ("[CLS]", "[SEP]")],
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.enable_truncation(max_length)
    return tokenizer


@lru_cache(
    maxsize=4
)  # a run writes the same files with each of its bundles, for most of a bundle's time
def tokenizer_files(model: bytes, max_length: int) -> Mapping[str, bytes]:
    """Return the files, by name, for `AutoTokenizer`; none where the model is no plain unigram one."""
    trainer = _message(_parts(model)[2][0])
    if trainer.get(3, [UNIGRAM]) != [UNIGRAM] or trainer.get(BYTE_FALLBACK, [0]) != [0]:
        return {}
    pieces, unk_id, _ = _read(model)
    special = [p for p in ("<pad>", "[PAD]", "[CLS]", "[SEP]", "[MASK]") if p in dict(pieces)]
    named = {f"{piece[1:-1].lower()}_token": piece for piece in special}
    return {
        "tokenizer.json": fast_tokenizer(model, max_length).to_str().encode(),
        "tokenizer_config.json": tokenizer_config(
            max_length, {"unk_token": pieces[unk_id][0], **named}
        ),
    }


def tokenizer_config(max_length: int, special: dict[str, str]) -> bytes:
    """Return the settings with which transformers takes a tokenizer.json as it is.

    Args:
        special: names such as `pad_token`, and their pieces.
    """
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        "model_max_length": max_length,
        "split_special_tokens": True,  # a typed [MASK] is text
        **special,
    }
    return json.dumps(config, ensure_ascii=False, indent=2).encode()


def _normalizer(charsmap: bytes) -> normalizers.Normalizer:
    steps = [
        _replace(r"(?![\t\n\r])\p{C}|\x{FFFD}", ""),
        normalizers.Prepend(WORD),  # NFC panics where `Replace` inserts at the very beginning
        _replace(r"[\t\n\r\p{Z}]", WORD),
        _replace(f"(?<={ALONE})|(?={ALONE})", WORD),
        _replace(f"(?<=[가-힣])(?={FINALS})", APART),
        # `Precompiled` knows single characters, SentencePiece also pairs such as ㅎㅏ: NFC joins them.
        *([normalizers.Precompiled(charsmap), normalizers.NFC()] if charsmap else []),
        _replace(APART, ""),
        _replace(rf" +(?={WORD}|\z)", ""),
        _replace(" {2,}", " "),
    ]
    return normalizers.Sequence(steps)


def _replace(pattern: str, by: str) -> normalizers.Normalizer:
    return normalizers.Replace(Regex(pattern), by)


@lru_cache(maxsize=4)  # the files of one model ask twice
def _read(model: bytes) -> tuple[list[tuple[str, float]], int, bytes]:
    """Return the pieces with their scores, the id of the unknown piece, and the normaliser's table."""
    processor = SentencePieceProcessor(model_proto=model)
    ids = list(range(len(processor)))
    pieces = list(zip(processor.id_to_piece(ids), processor.get_score(ids), strict=True))
    return pieces, processor.unk_id(), _message(_parts(model)[3][0]).get(2, [b""])[0]


@lru_cache(maxsize=4)
def _parts(model: bytes) -> dict[int, list[Any]]:
    return _message(model)


def _message(content: bytes) -> dict[int, list[Any]]:
    """Return the fields of a protobuf message: number to contents, whose types the caller knows."""
    fields: dict[int, list[Any]] = {}
    at = 0
    while at < len(content):
        key, at = _number(content, at)
        number, at = (4, at) if key % 8 == 5 else _number(content, at)  # 5: a float, of four bytes
        end = at + number if key % 8 else at  # of what is not a number itself, `number` is the size
        fields.setdefault(key // 8, []).append(content[at:end] if key % 8 else number)
        at = end
    return fields


def _number(content: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at `at`, seven bits a byte, and where it ends."""
    end = next(place for place in count(at) if content[place] < 0x80) + 1
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(content[at:end])), end
