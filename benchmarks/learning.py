"""Equal learning: the same hyperparameters through the notebook's procedure and through ours.

`mini` on the comments, since no KoBERT is shipped: batch 64 as in the notebook, three epochs, learning rate
2e-4, three seeds. The spread of the seeds tells what a difference means.
"""

import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score
from transformers import BertModel

from benchmarks import notebook_loop
from benchmarks.models import DATA, EMOTIONS, vocabulary
from kobert_demo.config import TrainingConfig
from kobert_demo.encoded import encode_texts
from kobert_demo.events import Evaluation
from kobert_demo.model import new_classifier
from kobert_demo.model_files import find_model
from kobert_demo.pretraining_data import split_comments
from kobert_demo.training import train

EPOCHS, LEARNING_RATE = 3, 2e-4
SEEDS = 3
Figures = tuple[float, float]  # accuracy, macro-F1


def ours(learnt: list[tuple[str, int]], tested: list[tuple[str, int]], seed: int) -> Figures:
    torch.manual_seed(seed)
    data = [
        encode_texts([text for text, _ in rows], np.array([n for _, n in rows]), vocabulary(), 64)
        for rows in (learnt, tested)
    ]
    model = new_classifier(find_model("mini"), EMOTIONS, notebook_loop.DROPOUT, vocabulary())
    config = TrainingConfig("mini", epochs=EPOCHS, learning_rate=LEARNING_RATE, seed=seed)
    *_, last = [event for event in train(model, *data, config) if isinstance(event, Evaluation)]
    return last.accuracy, last.macro_f1


def notebook(learnt: list[tuple[str, int]], tested: list[tuple[str, int]], seed: int) -> Figures:
    torch.manual_seed(seed)
    cpu = torch.device("cpu")
    opened = [
        notebook_loop.Sentences([text for text, _ in rows], [n for _, n in rows], vocabulary())
        for rows in (learnt, tested)
    ]
    bert = BertModel.from_pretrained(find_model("mini").directory, dtype=torch.float32)
    model = notebook_loop.Classifier(bert, len(EMOTIONS))
    list(notebook_loop.train(model, opened[0], cpu, EPOCHS, LEARNING_RATE))
    said = np.concatenate(list(notebook_loop.predict(model, opened[1], cpu)))
    true = [number for _, number in tested]
    return accuracy_score(true, said), f1_score(true, said, average="macro")


def run(quick: bool) -> dict[str, dict[str, list[float]]]:
    """Return mean and standard deviation of accuracy and macro-F1, for both procedures."""
    parts = [
        [(text, EMOTIONS.index(label)) for text, label in rows] for rows in split_comments(DATA)
    ]
    found = {}
    for name, procedure in (("ours", ours), ("the notebook", notebook)):
        figures = np.array([procedure(*parts, seed) for seed in range(SEEDS)])
        found[name] = {
            "accuracy": [figures[:, 0].mean().round(4), figures[:, 0].std(ddof=1).round(4)],
            "macro_f1": [figures[:, 1].mean().round(4), figures[:, 1].std(ddof=1).round(4)],
        }
        print(name, found[name], flush=True)
    return found
