"""The procedure of the KoBERT notebooks in our own words: what the benchmarks compare with.

Every sentence is padded to 64 by itself, five loader workers stack them, the mask is made with one Python
loop over the rows, everything is float32, and accuracy is read back after each batch.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from transformers import BertModel, get_cosine_schedule_with_warmup

from kobert_demo.encoding import Vocabulary, encode

MAX_LENGTH = 64
BATCH_SIZE = 64
WORKERS = 5
LEARNING_RATE = 5e-5
WARMUP_RATIO = 0.1
MAX_GRAD_NORM = 1.0
DROPOUT = 0.5
NO_DECAY = ("bias", "LayerNorm.weight")


class Sentences(Dataset[tuple[np.ndarray, np.ndarray, np.ndarray, np.int64]]):
    """Sentences as padded ids, valid lengths and segment ids, made when the data is opened."""

    def __init__(self, texts: Sequence[str], labels: Sequence[int], vocabulary: Vocabulary) -> None:
        self.rows = [self._padded(text, vocabulary) for text in texts]
        self.labels = [np.int64(label) for label in labels]

    def _padded(
        self, text: str, vocabulary: Vocabulary
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        padded = encode(text, vocabulary, MAX_LENGTH).padded()
        return (
            np.array(padded["input_ids"], np.int32),
            np.array(padded["valid_length"], np.int32),
            np.array(padded["token_type_ids"], np.int32),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.int64]:
        return (*self.rows[row], self.labels[row])


class Classifier(nn.Module):
    """A BERT, dropout, and one layer."""

    def __init__(self, bert: BertModel, classes: int, dropout: float = DROPOUT) -> None:
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(bert.config.hidden_size, classes)

    def forward(
        self, ids: torch.Tensor, valid_length: torch.Tensor, segments: torch.Tensor
    ) -> torch.Tensor:
        mask = torch.zeros_like(ids)
        for row, length in enumerate(valid_length):
            mask[row][:length] = 1
        pooled = self.bert(
            input_ids=ids, token_type_ids=segments.long(), attention_mask=mask.float()
        ).pooler_output
        logits: torch.Tensor = self.classifier(self.dropout(pooled))
        return logits


def accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share of right answers of a batch, read back to the CPU as the notebook does."""
    _, best = torch.max(logits, 1)
    return float((best == labels).sum().data.cpu().numpy() / best.size()[0])


def train(
    model: Classifier,
    data: Sentences,
    device: torch.device,
    epochs: int,
    learning_rate: float = LEARNING_RATE,
    batch_size: int = BATCH_SIZE,
) -> Iterator[int]:
    """Fine-tune; yield the number of sentences of each step, after it."""
    loader = DataLoader(data, batch_size=batch_size, num_workers=WORKERS, shuffle=True)
    named = list(model.named_parameters())
    spared = [(name, any(part in name for part in NO_DECAY)) for name, _ in named]
    groups = [
        {
            "params": [
                p for (_, p), (_, spare) in zip(named, spared, strict=True) if spare == no_decay
            ],
            "weight_decay": 0.0 if no_decay else 0.01,
        }
        for no_decay in (False, True)
    ]
    optimizer = torch.optim.AdamW(groups, lr=learning_rate, foreach=False)
    steps = len(loader) * epochs
    schedule = get_cosine_schedule_with_warmup(optimizer, int(steps * WARMUP_RATIO), steps)
    loss_of = nn.CrossEntropyLoss()
    total = 0.0
    for _ in range(epochs):
        model.train()
        for ids, lengths, segments, labels in loader:
            optimizer.zero_grad()
            logits = model(ids.long().to(device), lengths, segments.long().to(device))
            labels = labels.long().to(device)
            loss = loss_of(logits, labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), MAX_GRAD_NORM)
            optimizer.step()
            schedule.step()
            total += loss.data.cpu().numpy() + accuracy(logits, labels)
            yield len(labels)


@torch.no_grad()
def predict(model: Classifier, data: Sentences, device: torch.device) -> Iterator[np.ndarray]:
    """Yield the label ids of each batch of a file."""
    model.eval()
    for ids, lengths, segments, _ in DataLoader(data, batch_size=BATCH_SIZE, num_workers=WORKERS):
        logits = model(ids.long().to(device), lengths, segments.long().to(device))
        yield logits.argmax(1).cpu().numpy()


@torch.no_grad()
def classify(model: Classifier, text: str, vocabulary: Vocabulary) -> np.ndarray:
    """Return the logits of one sentence the notebook's way: a data set and a loader of one."""
    loader = DataLoader(Sentences([text], [0], vocabulary), batch_size=BATCH_SIZE, num_workers=0)
    for ids, lengths, segments, _ in loader:
        return np.asarray(model(ids.long(), lengths, segments.long())[0].numpy())
    raise AssertionError
