"""The classifiers in memory, and what they said: kept for all visitors, never more than a few."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

MOST_KEPT = 5_000  # answers of a classifier, ten times as many as a page shows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from kobert_demo.attention import Attention
    from kobert_demo.offsets import Reading
    from kobert_demo.predictor import Prediction, Predictor


@dataclass(frozen=True)
class Answer:
    """What a classifier said, and how long it took."""

    predictions: "list[Prediction]"
    milliseconds: float


@dataclass(frozen=True)
class Looked:
    """A sentence that is looked into, and what answered.

    Attributes:
        choice: a run's id, or a built-in classifier's name, as it stands in the address.
        name: the same for people.
        model: what `load` takes for it.
        exact: whether full precision was asked for.
    """

    choice: str
    name: str
    model: str
    exact: bool
    prediction: "Prediction"


@st.cache_resource(max_entries=4, show_spinner=False)
def load(model: str, exact: bool) -> "Predictor":
    """Return the classifier in the directory `model`."""
    from kobert_demo.predictor import Predictor  # imports torch, which no other page does

    return Predictor(model, exact)


def load_exact(model: str) -> "Predictor":
    """Return the classifier in float32; the one that answers, where that is in float32 too."""
    quick = load(model, False)
    return quick if quick.precision == "float32" else load(model, True)


@st.cache_resource(max_entries=4, show_spinner=False)
def _answered(model: str, exact: bool) -> "dict[str, Prediction]":
    """Return what the classifier said of sentences, to be filled by `predict`."""
    return {}


@st.cache_resource(max_entries=20, show_spinner=False)
def predict(model: str, exact: bool, sentences: tuple[str, ...]) -> Answer:
    """Return what the classifier says.

    Answers are kept, so that looking at another row computes nothing, and a letter typed in one of many
    lines asks again for that line alone.
    """
    predictor, answered = load(model, exact), _answered(model, exact)
    started = time.perf_counter()
    said = {sentence: known for sentence in sentences if (known := answered.get(sentence))}
    new = list(dict.fromkeys(sentence for sentence in sentences if sentence not in said))
    said.update(zip(new, predictor.predict(new), strict=True))
    if len(answered) > MOST_KEPT:
        answered.clear()
    answered.update(said)
    return Answer(
        [said[sentence] for sentence in sentences], 1000 * (time.perf_counter() - started)
    )


@st.cache_resource(max_entries=20, show_spinner=False)
def reading(model: str, text: str) -> "Reading":
    """Return where the pieces of a sentence stand in it."""
    from kobert_demo.offsets import read

    predictor = load(model, False)
    return read(text, predictor.vocabulary, predictor.max_length)


@st.cache_resource(max_entries=2, show_spinner=False)
def _eager(model: str) -> "PreTrainedModel":
    from kobert_demo.attention import eager

    return eager(load_exact(model).model)


@st.cache_resource(max_entries=2, show_spinner=False)
def attention_of(model: str, text: str) -> "Attention":
    """Return where the heads look in a sentence, in float32; 150 MB for 512 pieces of KoBERT."""
    from kobert_demo.attention import attention
    from kobert_demo.encoding import encode

    predictor = load_exact(model)
    encoding = encode(text, predictor.vocabulary, predictor.max_length)
    return attention(_eager(model), encoding)
