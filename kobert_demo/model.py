"""Model files -> a classifier, by transformers' own `...ForSequenceClassification`.

For BERT that is the pooled [CLS], dropout and one linear layer: the notebook's `BERTClassifier`. RoBERTa,
ELECTRA and DistilBERT have no pooler: a new layer over their first token takes its place.
"""

import pickle
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    CONFIG_MAPPING,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.utils import logging

from kobert_demo.encoding import Vocabulary
from kobert_demo.errors import ModelError
from kobert_demo.model_files import ModelFiles
from kobert_demo.sentence_pieces import SentencePieces

# What transformers, torch and safetensors raise on files that are damaged, strange or hostile.
UNREADABLE = (
    *(OSError, EOFError, RuntimeError, ImportError, ValueError, TypeError),
    *(LookupError, AttributeError, ArithmeticError, AssertionError, MemoryError),
    *(SafetensorError, pickle.UnpicklingError, StrictDataclassError),
)
PADDING_PIECES = 256  # at most: rows that some models add to their embeddings, for speed


def new_classifier(
    files: ModelFiles, labels: Sequence[str], dropout: float, vocabulary: Vocabulary
) -> PreTrainedModel:
    """Return the encoder of `files` under new layers for `labels`, in float32.

    A classifier for the same labels keeps its last layers: it is trained further.

    What is new (the last layers; a BERT's pooler where `files` has none; the encoder where `files` has no
    weights) is drawn from torch's random state, also where `files` holds a layer for other labels. The last
    layers begin as torch's own do, which the notebooks use: uniform within 1 / sqrt(inputs). (The 0.02 of
    transformers is as much for a BERT, but half of it for `mini`, which then learns rare labels later.)

    Raises:
        ModelError: the weights cannot be read, are another model's, or do not fit the vocabulary.
    """
    model = empty_classifier(files, labels, dropout, vocabulary)
    if files.weights is not None:
        own = _read_config(files, vocabulary).id2label
        if own == dict(enumerate(labels)):
            return _load(files, model.config, lambda name: True)
        encoder = f"{model.base_model_prefix}."

        def needed(name: str) -> bool:
            return name.startswith(encoder) and not name.startswith(f"{encoder}pooler.")

        with torch.random.fork_rng(devices=[]):  # what it draws for layers that are not kept
            pretrained = _load(files, model.config, needed)
        setattr(model, model.base_model_prefix, pretrained.base_model)
    encoder_layers = set(model.base_model.modules())
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear) and layer not in encoder_layers:
            layer.reset_parameters()
    return model


def empty_classifier(
    files: ModelFiles, labels: Sequence[str], dropout: float, vocabulary: Vocabulary
) -> PreTrainedModel:
    """Return a classifier of this shape with random weights.

    Raises:
        ModelError: there can be no such shape, or it does not fit the vocabulary.
    """
    config = _read_config(files, vocabulary)
    config.id2label = dict(enumerate(labels))  # sets num_labels too
    config.label2id = {label: index for index, label in enumerate(labels)}
    name = "seq_classif_dropout" if files.shape.kind == "distilbert" else "classifier_dropout"
    setattr(config, name, dropout)
    with _readable(files):
        return AutoModelForSequenceClassification.from_config(config)


def load_classifier(files: ModelFiles, vocabulary: Vocabulary) -> PreTrainedModel:
    """Return a fine-tuned classifier, in float32 and evaluation mode.

    Raises:
        ModelError: the weights cannot be read, were never trained to classify, or do not fit the
            vocabulary.
    """
    config = _read_config(files, vocabulary)
    if files.weights is None:
        raise _lacks(files, ["classifier.weight"])
    _check_labels(files, config)
    return _load(files, config, lambda name: True).eval()


def labels_of(model: PreTrainedModel) -> tuple[str, ...]:
    """Return a classifier's labels in the order of its logits."""
    names = model.config.id2label
    return tuple(names[number] for number in range(model.config.num_labels))


def _check_labels(files: ModelFiles, config: PreTrainedConfig) -> None:
    labels = list(config.id2label.values())
    numbered = set(config.id2label) == set(range(len(labels)))
    if not (
        numbered
        and all(isinstance(name, str) for name in labels)
        and len(set(labels)) == len(labels)
    ):
        raise ModelError(
            "The labels of {name} cannot be used: id2label in its config.json must give every number from "
            "0 a name of its own.",
            name=files.name,
        )


def _read_config(files: ModelFiles, vocabulary: Vocabulary) -> PreTrainedConfig:
    with _readable(files):
        own = {"return_dict": True, "chunk_size_feed_forward": 0}  # how it computes is our business
        config = CONFIG_MAPPING[files.shape.kind].from_dict({**files.shape.config, **own})
    pieces, known = len(vocabulary), config.vocab_size
    spare = 0 if isinstance(vocabulary, SentencePieces) else PADDING_PIECES
    if not pieces <= known <= pieces + spare:
        raise ModelError(
            "The vocabulary of {name} has {pieces} pieces but its weights know {known}: use the "
            "vocabulary file that belongs to these weights.",
            name=files.name,
            pieces=pieces,
            known=known,
        )
    return config


@contextmanager
def _readable(files: ModelFiles) -> Iterator[None]:
    """Say what is wrong with somebody's files in our words, and let transformers add none of its own."""
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UNREADABLE as error:
        raise ModelError(
            "The files of {name} cannot be read: use a whole config.json with a whole "
            "model.safetensors, or a pytorch_model.bin that holds nothing but tensors.",
            name=files.name,
        ) from error


def _load(
    files: ModelFiles, config: PreTrainedConfig, needed: Callable[[str], bool]
) -> PreTrainedModel:
    """Return the classifier with the weights of `files`; those that are not `needed` may be missing."""
    with _readable(files):
        model, report = AutoModelForSequenceClassification.from_pretrained(
            files.directory,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            weights_only=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
        misshapen = [name for name, *_ in report["mismatched_keys"] if needed(name)]
        if misshapen:
            raise ValueError(misshapen)
    missing = sorted(filter(needed, report["missing_keys"]))
    if missing:
        raise _lacks(files, missing)
    return model


def _lacks(files: ModelFiles, missing: list[str]) -> ModelError:
    if all(
        name.startswith(("classifier.", "pre_classifier.")) or ".pooler." in name
        for name in missing
    ):
        return ModelError(
            "{name} is not trained to classify: fine-tune it first, or choose a run's bundle.",
            name=files.name,
        )
    return ModelError(
        "The weights of {name} lack {count} tensors of this model, {first} among them: use a whole file.",
        name=files.name,
        count=len(missing),
        first=missing[0],
    )
