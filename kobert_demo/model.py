"""Model files -> a classifier: BERT's pooled [CLS], dropout, one linear layer.

That is `BertForSequenceClassification`, and it is the notebook's `BERTClassifier`.
"""

import pickle
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import BertConfig, BertForSequenceClassification, BertModel
from transformers.utils import logging

from kobert_demo.encoding import Vocabulary
from kobert_demo.errors import ModelError
from kobert_demo.model_files import ModelFiles, read_shape

# What transformers, torch and safetensors raise on files that are damaged, strange or hostile.
UNREADABLE = (
    *(OSError, EOFError, RuntimeError, ImportError, ValueError, TypeError),
    *(LookupError, AttributeError, SafetensorError, pickle.UnpicklingError, StrictDataclassError),
)


def new_classifier(
    files: ModelFiles, labels: Sequence[str], dropout: float, vocabulary: Vocabulary
) -> BertForSequenceClassification:
    """Return the encoder of `files` under a new layer for `labels`, in float32.

    The new layer (and, where `files` has no weights, the encoder) is drawn from torch's random state,
    also where `files` holds a layer for other labels.

    Raises:
        ModelError: the weights cannot be read, are another model's, or do not fit the vocabulary.
    """
    config = _read_config(files, vocabulary)
    config.num_labels = len(labels)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    config.classifier_dropout = dropout
    with _readable(files):
        model = BertForSequenceClassification(config)
    if files.weights is not None:
        model.bert = _load(BertModel, files, config)
    return model


def load_classifier(files: ModelFiles, vocabulary: Vocabulary) -> BertForSequenceClassification:
    """Return a fine-tuned classifier, in float32 and evaluation mode.

    Raises:
        ModelError: the weights cannot be read, were never trained to classify, or do not fit the
            vocabulary.
    """
    config = _read_config(files, vocabulary)
    if files.weights is None:
        raise _lacks(files, ["classifier.weight"])
    return _load(BertForSequenceClassification, files, config).eval()


def _read_config(files: ModelFiles, vocabulary: Vocabulary) -> BertConfig:
    with _readable(files):
        config = BertConfig.from_dict(read_shape(files.directory))
    if config.vocab_size != len(vocabulary):
        raise ModelError(
            "The vocabulary of {name} has {pieces} pieces but its weights know {known}: use the "
            "SentencePiece file that belongs to these weights.",
            name=files.name,
            pieces=len(vocabulary),
            known=config.vocab_size,
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
    kind: type[BertModel | BertForSequenceClassification], files: ModelFiles, config: BertConfig
) -> BertModel | BertForSequenceClassification:
    with _readable(files):
        model, report = kind.from_pretrained(
            files.directory,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            weights_only=True,
            output_loading_info=True,
        )
    if report["missing_keys"]:
        raise _lacks(files, sorted(report["missing_keys"]))
    return model


def _lacks(files: ModelFiles, missing: list[str]) -> ModelError:
    if all(name.startswith("classifier.") for name in missing):
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
