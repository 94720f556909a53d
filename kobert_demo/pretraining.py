"""Pretrain the built-in encoder: corpus -> batches -> optimizer steps -> weights that `mini` ships.

    python -m kobert_demo.pretraining

Each batch asks three questions at once. Which words were masked? Whole words (eojeol) are hidden,
others each time a sentence is read. How many stars did the writer give? Which emotion was annotated?
The latter two are read from the pooled [CLS], so that the pooler, from which fine-tuning starts, is
trained as well.

The run is seeded, and the checkpoint in `--work` is taken up again: every step draws its randomness
from its own number, so an interrupted run ends where an uninterrupted one does.
"""

import argparse
import math
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import BertConfig

from kobert_demo.batches import collate, sorted_by_length
from kobert_demo.device import best_device
from kobert_demo.encoded import Encoded, encode_texts
from kobert_demo.encoding import Vocabulary
from kobert_demo.errors import KobertDemoError
from kobert_demo.model_files import BUILT_IN
from kobert_demo.pretraining_data import (
    STARS,
    Sentence,
    held_out_ratings,
    read_corpus,
    train_vocabulary,
)
from kobert_demo.pretraining_model import (
    Masking,
    Pretrainer,
    build,
    export,
    load_checkpoint,
    measure,
    save_checkpoint,
    weigh_stars,
)
from kobert_demo.sentence_pieces import SentencePieces

MAX_LENGTH = 64
GROUP = 50  # batches whose sentences are sorted by length together
CHECKPOINT_STEPS = 500
EVALUATED_DOCUMENTS = 1000


@dataclass(frozen=True)
class Recipe:
    """What decides the outcome of a run.

    Attributes:
        passes: how often the corpus is read; a part of a pass is allowed.
        batch_size: pieces in a batch, padding included.
        learning_rate: the highest, reached after `warmup_steps`.
        falling: the last part of the run, in which the learning rate falls to zero; until then it
            does not depend on `passes`, so that a run under way may be given more or fewer.
        masked: the part of the words that is asked for.
        stars_weight, emotion_weight: of their losses; the masked loss counts as 1.
    """

    passes: float = 3.5
    batch_size: int = 3584
    learning_rate: float = 2e-3
    seed: int = 0
    warmup_steps: int = 200
    falling: float = 0.9
    masked: float = 0.2
    weight_decay: float = 0.01
    stars_weight: float = 1.0
    emotion_weight: float = 0.3

    def rate(self, step: int, passes: float) -> float:
        """Return the learning rate after so many steps and passes."""
        warm = min(1.0, (step + 1) / self.warmup_steps)
        return self.learning_rate * warm * min(1.0, (1 - passes / self.passes) / self.falling)


@dataclass(frozen=True)
class Progress:
    """How far a run is; the losses are means over the steps since the last report."""

    step: int
    passes: float
    masked_loss: float
    stars_loss: float
    emotion_loss: float


def encode_sentences(sentences: list[Sentence], vocabulary: Vocabulary) -> Encoded:
    texts = [sentence.text for sentence in sentences]
    labels = np.array([sentence.label for sentence in sentences])
    return encode_texts(texts, labels, vocabulary, MAX_LENGTH)


def plan_batches(corpus: Encoded, batch_size: int, seed: int) -> list[NDArray[np.int64]]:
    """Return the rows of each batch: random, alike in length, `batch_size` pieces at most."""
    random = np.random.default_rng(seed)
    lengths = corpus.lengths
    order = random.permutation(len(corpus))
    group = max(1, GROUP * batch_size // int(lengths.mean()))
    batches = []
    for begin in range(0, len(order), group):
        rest = sorted_by_length(order[begin : begin + group], lengths)
        while len(rest):
            # The longest sentence decides how many fit, and it is the last: take from the end.
            count = max(1, batch_size // int(lengths[rest[-1]]))
            batches.append(rest[-count:])
            rest = rest[:-count]
    return [batches[index] for index in random.permutation(len(batches))]


def read_batches(
    corpus: Encoded, recipe: Recipe, step: int
) -> Iterator[tuple[float, NDArray[np.int64]]]:
    """Yield the rows of each batch from step `step` on, with the passes done before it."""
    for number in range(math.ceil(recipe.passes)):
        planned = plan_batches(corpus, recipe.batch_size, recipe.seed + number)
        for place, rows in enumerate(planned):
            passes = number + place / len(planned)
            if passes >= recipe.passes:
                return
            if step > 0:
                step -= 1
            else:
                yield passes, rows


def build_optimizers(model: Pretrainer, recipe: Recipe, shards: int) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices of the encoder's layers, one a shard; AdamW for all the rest."""
    matrices = [weight for weight in model.bert.encoder.parameters() if weight.ndim == 2]
    chosen = {id(weight) for weight in matrices}
    rest = [weight for weight in model.parameters() if id(weight) not in chosen]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    return [
        *(
            torch.optim.Muon(part, rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
            for part in (matrices[place::shards] for place in range(shards))
        ),
        torch.optim.AdamW(rest, rate, betas=(0.9, 0.98), weight_decay=decay, fused=True),
    ]


def pretrain(
    model: Pretrainer,
    corpus: Encoded,
    vocabulary: Vocabulary,
    recipe: Recipe,
    checkpoint: Path,
    shards: int = 1,
) -> Iterator[Progress]:
    """Train `model` on its device, from `checkpoint` where there is one; yield after each new one.

    Args:
        shards: threads of a CPU that each take a part of every batch. Where other programs want
            the cores too, this was three times as fast as threads that share each operation.
    """
    masking = Masking(vocabulary, recipe.masked)
    optimizers = build_optimizers(model, recipe, shards)
    stars_weight = weigh_stars(corpus.labels).to(model.masked_bias.device)
    parameters: list[Tensor] = list(model.parameters())
    # What computes is a copy in bfloat16; small steps add up in the float32 weights.
    reader = deepcopy(model).bfloat16()
    copied: list[Tensor] = list(reader.parameters())

    def gradients(shard: tuple[int, NDArray[np.int64]]) -> tuple[Tensor, tuple[Tensor, ...]]:
        seed, rows = shard
        losses = measure(reader, collate(corpus, rows), masking, seed, stars_weight)
        loss = losses @ losses.new_tensor([1.0, recipe.stars_weight, recipe.emotion_weight])
        return losses.detach(), torch.autograd.grad(loss / shards, copied)

    step = load_checkpoint(checkpoint, model, optimizers)
    losses: list[Tensor] = []
    with ThreadPoolExecutor(shards, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for passes, rows in read_batches(corpus, recipe, step):
            with torch.no_grad():
                torch._foreach_copy_(copied, parameters)
            seed = (recipe.seed * 1_000_003 + step) * shards
            parts = [(seed + part, rows[part::shards]) for part in range(shards)]
            results = list(pool.map(gradients, [part for part in parts if len(part[1])]))
            losses += [result[0] for result in results]
            put_gradients(parameters, [result[1] for result in results])
            for group in (group for optimizer in optimizers for group in optimizer.param_groups):
                group["lr"] = recipe.rate(step, passes)
            list(pool.map(lambda optimizer: optimizer.step(), optimizers))
            step += 1
            if step % CHECKPOINT_STEPS == 0:
                save_checkpoint(checkpoint, model, optimizers, step)
                yield Progress(step, passes, *torch.stack(losses).mean(0).tolist())
                losses.clear()
    if losses:
        save_checkpoint(checkpoint, model, optimizers, step)
        yield Progress(step, recipe.passes, *torch.stack(losses).mean(0).tolist())


def put_gradients(parameters: list[Tensor], of_shards: list[tuple[Tensor, ...]]) -> None:
    """Put the sum of the shards' gradients, in float32 and cut to norm 1, where optimizers look."""
    for weight, *grads in zip(parameters, *of_shards, strict=True):
        weight.grad = sum((grad.float() for grad in grads[1:]), grads[0].float())
    nn.utils.clip_grad_norm_(parameters, 1.0)


@torch.no_grad()
def evaluate(model: Pretrainer, held_out: Encoded, masking: Masking) -> tuple[float, float]:
    """Return the masked loss, and how often the stars tell documents rated 1-4 from 9-10.

    The labels of `held_out` are 0 for a document rated 1-4 and 9 for one rated 9-10.
    """
    device = model.masked_bias.device
    no_weight = torch.ones(STARS, device=device)
    losses, right = [], 0
    for begin in range(0, len(held_out), 100):
        batch = collate(held_out, np.arange(begin, min(begin + 100, len(held_out))))
        losses.append(measure(model, batch, masking, begin, no_weight)[0].item())
        nothing = torch.zeros_like(batch.input_ids, dtype=torch.bool)
        whole = (batch.input_ids, batch.attention_mask, nothing)
        stars = model(*(tensor.to(device) for tensor in whole))[1].softmax(1)
        good = (stars[:, 8:].sum(1) > stars[:, :4].sum(1)).cpu()
        right += int((good == (batch.labels == STARS - 1)).sum())
    return float(np.mean(losses)), right / len(held_out)


def run(options: argparse.Namespace) -> None:
    """Pretrain as the options say, print a line for each checkpoint, and write the weights."""
    shards = torch.get_num_threads() if options.device == "cpu" else 1
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    options.work.mkdir(parents=True, exist_ok=True)
    sentences = read_corpus(options.data)
    path = options.output / "mini.spiece"
    if not path.exists():
        path.write_bytes(train_vocabulary(sentence.text for sentence in sentences))
    vocabulary = SentencePieces(path)
    corpus = encode_sentences([s for s in sentences for _ in range(s.times_read)], vocabulary)
    ratings = held_out_ratings(options.data)[:EVALUATED_DOCUMENTS]
    held_out = encode_sentences(
        [Sentence(text, label=STARS - 1 if label == "1" else 0) for text, label in ratings],
        vocabulary,
    )
    # Dropout would cost time and gain nothing where no sentence is read more than a few times.
    config = BertConfig.from_pretrained(
        options.output, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    model = build(config, corpus.ids).to(options.device)
    (options.work / "config.json").write_bytes((options.output / "config.json").read_bytes())
    recipe = Recipe(options.passes, options.batch_size, options.learning_rate, options.seed)
    checkpoint = options.work / "checkpoint.pt"
    for progress in pretrain(model, corpus, vocabulary, recipe, checkpoint, shards):
        export(model, options.work)
        masked_loss, accuracy = evaluate(model, held_out, Masking(vocabulary, recipe.masked))
        print(
            f"step {progress.step}, pass {progress.passes:.2f}: masked {progress.masked_loss:.3f}, "
            f"stars {progress.stars_loss:.3f}, emotion {progress.emotion_loss:.3f}; held out: "
            f"masked {masked_loss:.3f}, ratings {accuracy:.3f}",
            flush=True,
        )
    export(model, options.output)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m kobert_demo.pretraining")
    shared = Path(__file__).parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder with the data files")
    parser.add_argument(
        "--output",
        type=Path,
        default=BUILT_IN / "mini",
        help="folder with config.json; gets the weights",
    )
    parser.add_argument(
        "--work", type=Path, default=Path("workspace/pretraining"), help="folder for the checkpoint"
    )
    parser.add_argument("--passes", type=float, default=Recipe.passes, help="over the corpus")
    parser.add_argument("--batch-size", type=int, default=Recipe.batch_size, help="in pieces")
    parser.add_argument("--learning-rate", type=float, default=Recipe.learning_rate)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--device", default=best_device())
    try:
        run(parser.parse_args(arguments))
    except KobertDemoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
