"""Model files -> a classifier: BERT's pooled [CLS], dropout, one linear layer.

That is `BertForSequenceClassification`, and it is the notebook's `BERTClassifier`.
"""

import pickle
from collections.abc import Sequence

import torch
from safetensors import SafetensorError
from transformers import BertConfig, BertForSequenceClassification, BertModel
from transformers.utils.logging import disable_progress_bar

from kobert_demo.encoding import Vocabulary
from kobert_demo.errors import ModelError
from kobert_demo.model_files import ModelFiles


def new_classifier(
    files: ModelFiles, labels: Sequence[str], dropout: float, vocabulary: Vocabulary
) -> BertForSequenceClassification:
    """Return the encoder of `files` under a new layer for `labels`, in float32.

    The new layer (and, where `files` has no weights, the encoder) is drawn from torch's random state,
    also where `files` holds a layer for other labels.

    Raises:
        ModelError: the weights cannot be read, are another model's, or do not fit the vocabulary.
    """
    disable_progress_bar()
    config = read_config(files)
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
        ModelError: the weights cannot be read or lack a layer, the last one included.
    """
    disable_progress_bar()
    return _load(BertForSequenceClassification, files, read_config(files)).eval()


def read_config(files: ModelFiles) -> BertConfig:
    """Return `config.json`.

    Raises:
        ModelError: it cannot be read or describes another architecture than BERT.
    """
    try:
        values, _ = BertConfig.get_config_dict(files.directory, local_files_only=True)
        if values.get("model_type") == "bert":
            return BertConfig.from_dict(values)
    except (OSError, ValueError, TypeError):
        pass
    raise ModelError(
        'The config.json of {name} does not describe a BERT model: it must say "model_type": "bert".',
        name=files.name,
    )


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
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(
            "The weights of {name} lack {count} tensors of this model, {first} among them: use a whole "
            "file.",
            name=files.name,
            count=len(missing),
            first=missing[0],
        )
    return model
