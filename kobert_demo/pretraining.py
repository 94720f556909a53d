"""Pretrain the built-in encoder: masked words, stars and emotions -> weights that `mini` ships with.

    python -m kobert_demo.pretraining --data ../shared/data --output kobert_demo/models/mini \
        --work pretraining

Each batch asks three questions at once. Which words were masked? Whole words (eojeol) are hidden,
others each time a sentence is read. How many stars did the writer give, and which emotion was
annotated? These are read from the pooled [CLS], so that the pooler, from which fine-tuning starts,
is trained as well.

The run is seeded, and a checkpoint in `--work` is taken up again: every batch draws its randomness
from its own number, so an interrupted run ends where an uninterrupted one does.
"""

import argparse
import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from kobert_demo.encoding import Vocabulary
from kobert_demo.pretraining_data import (
    EMOTIONS,
    Sentence,
    held_out_ratings,
    read_corpus,
    times_read,
    train_vocabulary,
)

MAX_LENGTH = 64
STARS = 10
CHECKPOINT_STEPS = 400
EVALUATED_SENTENCES = 2000
SORTED_BATCHES = 50


@dataclass(frozen=True)
class Recipe:
    """What decides the outcome of a run.

    Attributes:
        passes: how often the corpus is read; a part of a pass is allowed.
        batch_size: pieces in a batch, padding included.
        learning_rate: the highest, reached after `warmup_steps`.
        falling: the last part of the run, in which the learning rate falls to zero; until then it
            does not depend on `passes`, so that a run under way may be given more or fewer.
        masked: the part of the words that is hidden or changed.
    """

    passes: float = 3.0
    batch_size: int = 3584
    learning_rate: float = 2e-3
    seed: int = 0
    warmup_steps: int = 200
    falling: float = 0.5
    masked: float = 0.2
    weight_decay: float = 0.01
    stars_weight: float = 1.0
    emotion_weight: float = 0.3

    def rate(self, step: int, passes: float) -> float:
        """Return the learning rate after so many steps and passes."""
        warm = min(1.0, (step + 1) / self.warmup_steps)
        return self.learning_rate * warm * min(1.0, (1 - passes / self.passes) / self.falling)


@dataclass(frozen=True)
class Corpus:
    """Encoded sentences, laid end to end.

    Attributes:
        ids: the piece ids of all sentences, each with [CLS] and [SEP].
        offsets: where each sentence begins, and the end: (sentences + 1).
        stars, emotions: (sentences), counted from zero, -1 where unknown.
    """

    ids: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    stars: NDArray[np.int64]
    emotions: NDArray[np.int64]


def encode_corpus(sentences: list[Sentence], vocabulary: Vocabulary) -> Corpus:
    ids: list[NDArray[np.uint16]] = []
    for sentence in sentences:
        pieces = vocabulary.ids(sentence.text)[: MAX_LENGTH - 2]
        ids.append(np.array([vocabulary.cls_id, *pieces, vocabulary.sep_id], dtype=np.uint16))
    return Corpus(
        ids=np.concatenate(ids),
        offsets=np.cumsum([0, *map(len, ids)]),
        stars=np.array([sentence.stars - 1 for sentence in sentences]),
        emotions=np.array([sentence.emotion - 1 for sentence in sentences]),
    )


def plan_batches(corpus: Corpus, batch_size: int, seed: int) -> list[NDArray[np.int64]]:
    """Return the sentences of each batch: shuffled, alike in length, `batch_size` pieces at most."""
    random = np.random.default_rng(seed)
    lengths = np.diff(corpus.offsets)
    order = random.permutation(len(lengths))
    pool_size = max(1, SORTED_BATCHES * batch_size // int(lengths.mean()))
    batches = []
    for start in range(0, len(order), pool_size):
        pool = order[start : start + pool_size]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        while len(pool):
            # The longest sentence decides, and it is the last: take from the end.
            count = max(1, batch_size // int(lengths[pool[-1]]))
            batches.append(pool[-count:])
            pool = pool[:-count]
    return [batches[i] for i in random.permutation(len(batches))]


def pad_batch(corpus: Corpus, chosen: NDArray[np.int64], pad_id: int) -> Tensor:
    """Return the ids of the chosen sentences: (sentences, tokens)."""
    starts, ends = corpus.offsets[chosen], corpus.offsets[chosen + 1]
    padded = np.full((len(chosen), int((ends - starts).max())), pad_id, dtype=np.int64)
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        padded[row, : end - start] = corpus.ids[start:end]
    return torch.from_numpy(padded)


class Masking:
    """Hides whole words: of the chosen ones 80 % as [MASK], 10 % as any pieces, 10 % not at all."""

    def __init__(self, vocabulary: Vocabulary, part: float) -> None:
        self.mask_id, self.size, self.part = vocabulary.mask_id, len(vocabulary), part
        special = {vocabulary.pad_id, vocabulary.cls_id, vocabulary.sep_id, vocabulary.mask_id}
        self.special = torch.tensor([i in special for i in range(self.size)])
        starts = [vocabulary.piece(i).startswith("▁") for i in range(self.size)]
        self.starts_word = torch.tensor(starts) | self.special

    def __call__(self, ids: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the ids with words hidden, and where a piece is to be told: (sentences, tokens)."""
        words = self.starts_word[ids].cumsum(1)
        draws = torch.rand(ids.shape, generator=generator).gather(1, words - 1)
        asked = (draws < self.part) & ~self.special[ids]
        any_pieces = torch.randint(self.size, ids.shape, generator=generator)
        hidden = torch.where(asked & (draws < 0.8 * self.part), self.mask_id, ids)
        changed = asked & (draws >= 0.8 * self.part) & (draws < 0.9 * self.part)
        return torch.where(changed, any_pieces, hidden), asked


class Pretrainer(nn.Module):
    """The encoder with a head for masked pieces, which shares the embeddings, and two pooled ones."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.bert = BertModel._from_config(config, attn_implementation="eager")
        self.pad_id = config.pad_token_id
        self.masked = nn.Sequential(
            nn.Linear(config.hidden_size, config.hidden_size),
            nn.GELU(),
            nn.LayerNorm(config.hidden_size),
        )
        self.masked_bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.stars = nn.Linear(config.hidden_size, STARS)
        self.emotion = nn.Linear(config.hidden_size, len(EMOTIONS))

    def forward(self, ids: Tensor, asked: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits: (asked pieces, vocabulary), (sentences, stars), (sentences, emotions)."""
        # Only [CLS] and the asked places leave the last attention: the rest of its layer is saved.
        wanted = torch.cat(
            [
                torch.arange(len(ids), device=ids.device) * ids.shape[1],
                asked.flatten().nonzero().flatten(),
            ]
        )
        hidden = self.bert.embeddings(input_ids=ids)
        padding = ids == self.pad_id
        mask = None
        if padding.any():
            mask = (padding * -30000.0).to(torch.bfloat16)[:, None, None, :]
        *layers, last = self.bert.encoder.layer
        for layer in layers:
            hidden = layer(hidden, mask)
        hidden = last.attention(hidden, mask)[0].flatten(0, 1)[wanted]
        hidden = last.feed_forward_chunk(hidden)
        pooled = self.bert.pooler(hidden[: len(ids), None])
        masked = functional.linear(
            self.masked(hidden[len(ids) :]),
            self.bert.embeddings.word_embeddings.weight,
            self.masked_bias,
        )
        return masked, self.stars(pooled), self.emotion(pooled)


def start_embeddings(corpus: Corpus, size: int, width: int) -> Tensor:
    """Return embeddings in which pieces that keep the same company lie close: (size, width).

    They are the first singular vectors of the pieces' positive pointwise mutual information within
    five places, which takes seconds and spares the first part of a pass.
    """
    ids = corpus.ids.astype(np.int64)
    together = np.zeros(size * size, dtype=np.float32)
    for distance in range(1, 6):
        pairs = ids[:-distance] * size + ids[distance:]
        together += np.bincount(pairs, minlength=size * size).astype(np.float32) / distance
    counts = torch.from_numpy(together).view(size, size)
    counts = counts + counts.T
    seen = counts.sum(1) + 1
    # Contexts are smoothed (power 0.75): rare ones would otherwise count for too much.
    expected = seen[:, None] * (seen**0.75 / (seen**0.75).sum())
    information = (counts / expected).clamp(min=1).log()
    left, strength, _ = torch.svd_lowrank(information, q=width, niter=2)
    embeddings = left * strength.sqrt()
    embeddings -= embeddings.mean(0)
    return embeddings * (0.03 / embeddings.std())


def build(config: BertConfig, corpus: Corpus) -> Pretrainer:
    """Return an untrained model that knows how frequent pieces are and what company they keep."""
    model = Pretrainer(config)
    counts = np.bincount(corpus.ids, minlength=config.vocab_size)
    with torch.no_grad():
        model.masked_bias.copy_(torch.tensor(np.log((counts + 1) / counts.sum())))
        model.bert.embeddings.word_embeddings.weight.copy_(
            start_embeddings(corpus, config.vocab_size, config.hidden_size)
        )
    return model


def build_optimizers(model: Pretrainer, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Return Muon for the encoder's matrices, AdamW for everything else."""
    matrices = [p for p in model.bert.encoder.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(
            matrices,
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(
            rest,
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            betas=(0.9, 0.98),
            fused=True,
        ),
    ]


def known_loss(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the mean cross-entropy where the target is known (not -1); 0 where none is."""
    known = target >= 0
    if not known.any():
        return logits.sum() * 0
    return functional.cross_entropy(logits[known].float(), target[known], weight=weight)


@dataclass(frozen=True)
class Progress:
    """How far a run is: the losses are means over the steps since the last report."""

    step: int
    passes: float
    masked_loss: float
    stars_loss: float
    emotion_loss: float


def pretrain(
    model: Pretrainer, corpus: Corpus, vocabulary: Vocabulary, recipe: Recipe, checkpoint: Path
) -> Iterator[Progress]:
    """Train `model` on its device, from `checkpoint` if there is one; yield after each new one."""
    device = model.masked_bias.device
    masking = Masking(vocabulary, recipe.masked)
    optimizers = build_optimizers(model, recipe)
    stars_seen = np.bincount(corpus.stars[corpus.stars >= 0], minlength=STARS) + 1
    stars_weight = torch.tensor(stars_seen, device=device, dtype=torch.float).rsqrt()
    step, done = load_checkpoint(checkpoint, model, optimizers), 0
    losses: list[Tensor] = []
    for number in range(math.ceil(recipe.passes)):
        batches = plan_batches(corpus, recipe.batch_size, seed=recipe.seed + number)
        for place, chosen in enumerate(batches):
            passes = number + place / len(batches)
            done += 1
            if done <= step:
                continue
            if passes >= recipe.passes:
                break
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = recipe.rate(step, passes)
            generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
            ids = pad_batch(corpus, chosen, vocabulary.pad_id)
            hidden, asked = masking(ids, generator)
            answers = ids[asked].to(device)
            stars = torch.from_numpy(corpus.stars[chosen]).to(device)
            emotions = torch.from_numpy(corpus.emotions[chosen]).to(device)
            with torch.autocast(device.type, torch.bfloat16):
                masked, star, emotion = model(hidden.to(device), asked.to(device))
            parts = torch.stack(
                [
                    known_loss(masked, answers),
                    known_loss(star, stars, stars_weight),
                    known_loss(emotion, emotions),
                ]
            )
            loss = parts[0] + recipe.stars_weight * parts[1] + recipe.emotion_weight * parts[2]
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
            losses.append(parts.detach())
            step = done
            if step % CHECKPOINT_STEPS == 0:
                save_checkpoint(checkpoint, model, optimizers, step)
                yield Progress(step, passes, *torch.stack(losses).mean(0).tolist())
                losses.clear()
    save_checkpoint(checkpoint, model, optimizers, step)
    if losses:
        yield Progress(step, recipe.passes, *torch.stack(losses).mean(0).tolist())


def save_checkpoint(
    path: Path, model: Pretrainer, optimizers: list[torch.optim.Optimizer], step: int
) -> None:
    part = path.with_suffix(".part")
    states = [optimizer.state_dict() for optimizer in optimizers]
    torch.save({"step": step, "model": model.state_dict(), "optimizers": states}, part)
    part.replace(path)


def load_checkpoint(path: Path, model: Pretrainer, optimizers: list[torch.optim.Optimizer]) -> int:
    """Fill model and optimizers from `path` and return its step; 0 where there is none."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location=model.masked_bias.device, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    step: int = state["step"]
    return step


def export(model: Pretrainer, folder: Path) -> None:
    """Write the encoder and its pooler as float16 to `folder`, named as `BertModel` names them."""
    part = folder / "model.part"
    weights = {name: tensor.half().cpu() for name, tensor in model.bert.state_dict().items()}
    save_file(weights, part, metadata={"format": "pt"})
    part.replace(folder / "model.safetensors")


@torch.no_grad()
def evaluate(model: Pretrainer, held_out: Corpus, vocabulary: Vocabulary) -> tuple[float, float]:
    """Return the masked loss, and how often stars tell apart the documents rated 1-4 and 9-10.

    In `held_out`, the stars are 0 for a document rated 1-4 and 9 for one rated 9-10.
    """
    masking, generator = Masking(vocabulary, 0.15), torch.Generator().manual_seed(0)
    device = model.masked_bias.device
    loss = pieces = right = 0.0
    for chosen in np.array_split(np.arange(len(held_out.stars)), 20):
        ids = pad_batch(held_out, chosen, vocabulary.pad_id)
        hidden, asked = masking(ids, generator)
        with torch.autocast(device.type, torch.bfloat16):
            masked, _, _ = model(hidden.to(device), asked.to(device))
            _, stars, _ = model(ids.to(device), torch.zeros_like(asked).to(device))
        answers = ids[asked].to(device)
        loss += functional.cross_entropy(masked.float(), answers, reduction="sum").item()
        pieces += len(answers)
        good = stars[:, 8:].exp().sum(1) > stars[:, :4].exp().sum(1)
        right += (good.cpu() == torch.from_numpy(held_out.stars[chosen] == STARS - 1)).sum().item()
    return loss / pieces, right / len(held_out.stars)


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    torch.manual_seed(options.seed)
    options.work.mkdir(parents=True, exist_ok=True)
    sentences = read_corpus(options.data)
    path = options.output / "mini.spiece"
    if not path.exists():
        path.write_bytes(train_vocabulary(sentence.text for sentence in sentences))
    vocabulary = Vocabulary(path)
    corpus = encode_corpus([s for s in sentences for _ in range(times_read(s))], vocabulary)
    held_out = encode_corpus(
        [
            Sentence(document, stars=STARS if label == "1" else 1)
            for document, label in held_out_ratings(options.data)[:EVALUATED_SENTENCES]
        ],
        vocabulary,
    )
    # Dropout would cost time and gain nothing where no sentence is read more than a few times.
    config = BertConfig.from_pretrained(
        options.output, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    model = build(config, corpus).to(options.device)
    recipe = Recipe(options.passes, options.batch_size, options.learning_rate, options.seed)
    shutil.copy(options.output / "config.json", options.work)
    for progress in pretrain(model, corpus, vocabulary, recipe, options.work / "checkpoint.pt"):
        export(model, options.work)
        masked_loss, stars_accuracy = evaluate(model, held_out, vocabulary)
        print(
            f"step {progress.step}, pass {progress.passes:.2f}: masked {progress.masked_loss:.3f}, "
            f"stars {progress.stars_loss:.3f}, emotion {progress.emotion_loss:.3f}; held out: "
            f"masked {masked_loss:.3f}, stars {stars_accuracy:.3f}",
            flush=True,
        )
    export(model, options.output)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="pretraining", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the four data files")
    parser.add_argument(
        "--output", type=Path, required=True, help="folder with config.json; gets the weights"
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--passes", type=float, default=Recipe.passes)
    parser.add_argument("--batch-size", type=int, default=Recipe.batch_size, help="in pieces")
    parser.add_argument("--learning-rate", type=float, default=Recipe.learning_rate)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
