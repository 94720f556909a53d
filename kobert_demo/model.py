"""Model files -> a classifier: BERT's pooled [CLS], dropout, one linear layer.

That is `BertForSequenceClassification`, and it is the notebook's `BERTClassifier`.
"""

import pickle
from collections.abc import Sequence

import torch
from safetensors import SafetensorError
from transformers import BertConfig, BertForSequenceClassification, BertModel
from transformers.utils import logging

from kobert_demo.encoding import Vocabulary
from kobert_demo.errors import ModelError
from kobert_demo.model_files import ModelFiles, read_shape


def new_classifier(
    files: ModelFiles, labels: Sequence[str], dropout: float, vocabulary: Vocabulary
) -> BertForSequenceClassification:
    """Return the encoder of `files` under a new layer for `labels`, in float32.

    The new layer (and, where `files` has no weights, the encoder) is drawn from torch's random state,
    also where `files` holds a layer for other labels.

    Raises:
        ModelError: the weights cannot be read, are another model's, or do not fit the vocabulary.
    """
    _be_quiet()
    config = BertConfig.from_dict(read_shape(files.directory))
    config.num_labels = len(labels)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    config.classifier_dropout = dropout
    if config.vocab_size != len(vocabulary):
        raise ModelError(
            "The vocabulary of {name} has {pieces} pieces but its weights know {known}: use the "
            "SentencePiece file that belongs to these weights.",
            name=files.name,
            pieces=len(vocabulary),
            known=config.vocab_size,
        )
    model = BertForSequenceClassification(config)
    if files.weights is not None:
        model.bert = _load(BertModel, files, config)
    return model


def load_classifier(files: ModelFiles) -> BertForSequenceClassification:
    """Return a fine-tuned classifier, in float32 and evaluation mode.

    Raises:
        ModelError: the weights cannot be read, or were never trained to classify.
    """
    _be_quiet()
    config = BertConfig.from_dict(read_shape(files.directory))
    if files.weights is None:
        raise _lacks(files, ["classifier.weight"])
    return _load(BertForSequenceClassification, files, config).eval()


def _be_quiet() -> None:
    """Keep transformers from writing bars and reports of its own: what is wrong is said by us."""
    logging.disable_progress_bar()
    logging.set_verbosity_error()


def _load(
    kind: type[BertModel | BertForSequenceClassification], files: ModelFiles, config: BertConfig
) -> BertModel | BertForSequenceClassification:
    try:
        model, report = kind.from_pretrained(
            files.directory,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            weights_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError, pickle.UnpicklingError) as error:
        raise ModelError(
            "The weights of {name} cannot be read: use a whole model.safetensors, or a "
            "pytorch_model.bin that holds nothing but tensors.",
            name=files.name,
        ) from error
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
