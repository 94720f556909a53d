"""The classifiers in memory, and what they said: kept for all visitors, never more than a few."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from kobert_demo.imports import quick_imports

MOST_KEPT = 5_000  # answers of a classifier, ten times as many as a page shows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from kobert_demo.attention import Attention
    from kobert_demo.offsets import Reading
    from kobert_demo.predictor import Prediction, Predictor


@dataclass(frozen=True)
class Answer:
    """What a classifier said, and how long it took, though it may have been earlier."""

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
    with quick_imports():
        from kobert_demo.predictor import Predictor  # imports torch, which no other page does

    return Predictor(model, exact)


def load_exact(model: str) -> "Predictor":
    """Return the classifier in float32; the one that answers, where that is in float32 too."""
    quick = load(model, False)
    return quick if quick.precision == "float32" else load(model, True)


@st.cache_resource(max_entries=4, show_spinner=False)
def _answered(model: str, exact: bool) -> "dict[str, tuple[Prediction, float]]":
    """Return what the classifier said of a sentence, and its milliseconds; filled by `predict`."""
    return {}


def predict(model: str, exact: bool, sentences: Sequence[str]) -> Answer:
    """Return what the classifier says; it is asked only for sentences that it has not answered before.

    So looking at another row computes nothing, and a letter typed in one of many lines asks for that line.
    """
    predictor, answered = load(model, exact), _answered(model, exact)
    said = {sentence: known for sentence in sentences if (known := answered.get(sentence))}
    if new := list(dict.fromkeys(sentence for sentence in sentences if sentence not in said)):
        started = time.perf_counter()
        predictions = predictor.predict(new)
        each = 1000 * (time.perf_counter() - started) / len(new)
        said.update((prediction.text, (prediction, each)) for prediction in predictions)
        if len(answered) > MOST_KEPT:
            answered.clear()
        answered.update(said)
    predictions = [said[sentence][0] for sentence in sentences]
    return Answer(predictions, sum(milliseconds for _, milliseconds in said.values()))


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
