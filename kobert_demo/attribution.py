"""A classifier and a text -> `Attribution`: how much each piece and 어절 speaks for a label.

Two ways that know nothing of each other: integrated gradients on the word embeddings (Sundararajan, Taly
and Yan 2017, arXiv:1703.01365; captum computes them), and leaving out one 어절 after the other. Both are in
units of the label's logit, and both are computed in float32.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from captum.attr import IntegratedGradients
from numpy.typing import NDArray

from kobert_demo.encoding import encode
from kobert_demo.offsets import read
from kobert_demo.predictor import Predictor

FIRST_STEPS, MOST_STEPS = 20, 320  # of the integral, doubled while the gap is too wide
WIDEST_GAP = 0.05
MOST_TOKENS = 512  # in one forward pass: little enough that a person who cancels is soon heard
FEWEST_RANKED = 3  # two values are always in the same or the opposite order


@dataclass(frozen=True)
class Attribution:
    """What speaks for `label` in a text, and what against it (negative).

    Attributes:
        pieces: (valid_length), integrated gradients of each piece; 0 for [CLS] and [SEP], which the
            baseline keeps.
        words: number of each 어절 that the model reads -> the sum over its pieces.
        without: the same 어절 -> by how much the logit falls when its pieces are left out.
        change: the label's logit minus that of the baseline, which has [PAD] in the place of each piece.
        steps: how many steps the integral took.
    """

    label: str
    pieces: NDArray[np.float64]
    words: dict[int, float]
    without: dict[int, float]
    change: float
    steps: int

    @property
    def gap(self) -> float:
        """The completeness gap: |sum of attributions - logit change| / |logit change|."""
        return _gap(float(self.pieces.sum()), self.change)

    @property
    def agreement(self) -> float | None:
        """Spearman's rank correlation of the two ways over the 어절; None where it says nothing."""
        if len(self.words) < FEWEST_RANKED:
            return None
        both = pd.DataFrame({"words": self.words, "without": self.without})
        correlation = float(both.corr(method="spearman").to_numpy()[0, 1])
        return correlation if np.isfinite(correlation) else None


def attribute(
    predictor: Predictor,
    text: str,
    label: str,
    progress: Callable[[float], None] = lambda share: None,
) -> Attribution:
    """Attribute the logit of `label` to the pieces of `text`.

    Args:
        predictor: one that computes in float32.
        progress: hears after each forward pass which share is done; what it raises ends the work.

    Raises:
        ValueError: the classifier computes in another precision, or knows no such label.
    """
    target = predictor.labels.index(label)
    encoding = encode(text, predictor.vocabulary, predictor.max_length)
    reading = read(text, predictor.vocabulary, predictor.max_length)
    ids = torch.tensor(encoding.input_ids)  # (tokens)
    pieces, change, steps = _integrate(predictor, ids, target, lambda share: progress(share / 2))
    words = {word: list(reading.pieces_of(word)) for word in reading.read_words}
    without = _leave_out(
        predictor, ids, list(words.values()), target, lambda share: progress(0.5 + share / 2)
    )
    return Attribution(
        label,
        pieces,
        {word: float(pieces[positions].sum()) for word, positions in words.items()},
        dict(zip(words, without, strict=True)),
        change,
        steps,
    )


def _integrate(
    predictor: Predictor, ids: torch.Tensor, target: int, progress: Callable[[float], None]
) -> tuple[NDArray[np.float64], float, int]:
    """Return the attribution of each piece, the change of the logit, and the steps it took."""
    model, done, steps = predictor.model, 0, FIRST_STEPS
    baseline = ids.clone()
    baseline[1:-1] = predictor.vocabulary.pad_id
    with torch.no_grad():
        inputs, nothing = model.get_input_embeddings()(torch.stack([ids, baseline])).split(1)

    def logits(embeddings: torch.Tensor) -> torch.Tensor:  # (steps, tokens, width)
        nonlocal done
        mask = torch.ones(embeddings.shape[:2], dtype=torch.long)
        answer: torch.Tensor = model(inputs_embeds=embeddings, attention_mask=mask).logits
        done += len(embeddings)
        progress(min(done / steps, 1))
        return answer

    with torch.no_grad():
        with_pieces, with_none = logits(torch.cat([inputs, nothing]))[:, target].double().tolist()
    change = with_pieces - with_none
    while True:
        done = 0
        found = IntegratedGradients(logits).attribute(
            inputs,
            nothing,
            target=target,
            n_steps=steps,
            internal_batch_size=max(1, MOST_TOKENS // len(ids)),
        )
        pieces = found[0].double().sum(-1).numpy()  # (tokens)
        if _gap(pieces.sum(), change) < WIDEST_GAP or steps >= MOST_STEPS:
            return pieces, change, steps
        steps *= 2


def _leave_out(
    predictor: Predictor,
    ids: torch.Tensor,
    left_out: list[list[int]],
    target: int,
    progress: Callable[[float], None],
) -> list[float]:
    """Return by how much the logit falls without the pieces at each of these lists of positions."""
    pad_id, answers = predictor.vocabulary.pad_id, []
    texts = [ids, *(ids[~torch.isin(torch.arange(len(ids)), torch.tensor(p))] for p in left_out)]
    rows = max(1, MOST_TOKENS // len(ids))
    with torch.inference_mode():
        for begin in range(0, len(texts), rows):
            some = texts[begin : begin + rows]
            padded = torch.nn.utils.rnn.pad_sequence(some, batch_first=True, padding_value=pad_id)
            lengths = torch.tensor([len(each) for each in some])
            mask = (torch.arange(padded.shape[1]) < lengths[:, None]).long()  # (texts, tokens)
            answer = predictor.model(input_ids=padded, attention_mask=mask).logits
            answers += answer[:, target].double().tolist()
            progress(len(answers) / len(texts))
    return [answers[0] - each for each in answers[1:]]


def _gap(total: float, change: float) -> float:
    difference = abs(total - change)
    return difference / abs(change) if change else float(difference > 0)
