"""What a classifier has to beat: the commonest label, and TF-IDF with logistic regression."""

import warnings
from dataclasses import dataclass

import numpy as np

from kobert_demo.dataset import Dataset
from kobert_demo.evaluation.scoring import Rows

# Bounds that keep it quick; the page says where they cut something off.
MOST_ROWS = 20_000
MOST_FEATURES, MOST_WEIGHTS = 20_000, 1_000_000
LONGEST_NGRAM = 3


@dataclass(frozen=True, eq=False)
class TfidfAnswers:
    """What TF-IDF with logistic regression answers.

    Attributes:
        predicted: label ids (sentences).
        rows, features: how many training sentences it learnt from, and how many n-grams it knows.
    """

    predicted: Rows
    rows: int
    features: int


def commonest_label(data: Dataset) -> int:
    """Return the label that most of these sentences have."""
    return int(np.bincount(data.label_ids, minlength=len(data.labels)).argmax())


def tfidf_answers(train: Dataset, test: Dataset) -> TfidfAnswers:
    """Fit character n-grams on `train` (at most `MOST_ROWS` of its rows) and classify `test`.

    The label ids of both are of the same labels.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    rows = np.arange(len(train))
    if len(rows) > MOST_ROWS:
        rows = np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False)
    words = TfidfVectorizer(
        analyzer="char",
        ngram_range=(1, LONGEST_NGRAM),
        sublinear_tf=True,
        max_features=min(MOST_FEATURES, MOST_WEIGHTS // len(train.labels)),
        dtype=np.float32,
    )
    learnt = words.fit_transform([train.texts[row] for row in rows])
    known = train.label_ids[rows]
    if len(set(known.tolist())) < 2:  # nothing to tell apart
        predicted = np.full(len(test), known[0])
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(C=4, max_iter=100, tol=1e-3).fit(learnt, known)
        predicted = model.predict(words.transform(test.texts))
    return TfidfAnswers(predicted.astype(np.int64), len(rows), learnt.shape[1])
