"""Evaluations of a real run of `mini`: every figure is scikit-learn's, and nothing is kinder than true."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as oracle
from sklearn.calibration import calibration_curve
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from kobert_demo.calibration import calibration_error, fit_temperature, softmax
from kobert_demo.dataset import Dataset, with_labels_of
from kobert_demo.errors import DataError
from kobert_demo.evaluation.baselines import tfidf_answers
from kobert_demo.evaluation.browsing import as_tsv, suspects
from kobert_demo.evaluation.scoring import Scored, compute_logits, scored
from kobert_demo.evaluation.slices import slices
from kobert_demo.evaluation.summary import MAJORITY, TFIDF, Summary, as_json, summarize
from kobert_demo.predictor import Predictor
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from tests.evaluating import COMMENTS, read, write_part

needs_comments = pytest.mark.skipif(not COMMENTS.is_file(), reason="../shared/data is not there")


@pytest.fixture(scope="module")
def halves(evaluated: tuple[Runs, Run]) -> tuple[Dataset, Dataset]:
    return evaluated[0].data(evaluated[1].run)


@pytest.fixture(scope="module")
def scores(evaluated: tuple[Runs, Run], halves: tuple[Dataset, Dataset]) -> Scored:
    bundle = evaluated[0].bundle(evaluated[1].run)
    return scored(bundle, halves[1], compute_logits(bundle, halves[1]))


@pytest.fixture(scope="module")
def summary(scores: Scored, halves: tuple[Dataset, Dataset]) -> Summary:
    return summarize(scores, tfidf_answers(*halves))


def test_the_scores_are_the_classifiers_own_on_the_runs_own_test_split(
    evaluated: tuple[Runs, Run], scores: Scored
) -> None:
    runs, trained = evaluated
    predictor = Predictor(str(runs.bundle(trained.run)))
    answers = predictor.predict(scores.data.texts[:20])
    assert [scores.data.labels[label] for label in scores.predicted[:20]] == [
        answer.label for answer in answers
    ]
    shares = [list(answer.probabilities.values()) for answer in answers]
    assert scores.probabilities[:20] == pytest.approx(np.array(shares), abs=1e-5)
    kept = next(
        row for row in runs.store.evaluations(trained.run) if row["step"] == trained.best_step
    )
    agree = np.minimum(scores.counts, kept["confusion"]).sum() / len(scores)
    assert agree > 0.97  # training evaluates in bfloat16 where the CPU multiplies it


def test_every_figure_is_scikit_learns(scores: Scored, summary: Summary) -> None:
    true, said = scores.true, scores.predicted
    assert summary.figures.accuracy.value == pytest.approx(oracle.accuracy_score(true, said))
    for average in ("macro", "weighted"):
        found = getattr(summary.figures, f"{average}_f1").value
        assert found == pytest.approx(
            oracle.f1_score(true, said, average=average, zero_division=0), abs=1e-6
        )
    labels = range(len(scores.data.labels))
    expected = oracle.precision_recall_fscore_support(true, said, labels=labels, zero_division=0)
    for found, of_all in zip(
        (
            summary.labels.precision,
            summary.labels.recall,
            summary.labels.f1,
            summary.labels.support,
        ),
        expected,
        strict=True,
    ):
        assert found == pytest.approx(of_all)
    assert (scores.counts == oracle.confusion_matrix(true, said, labels=labels)).all()


def test_the_baselines_are_scikit_learns_on_the_same_sentences(
    halves: tuple[Dataset, Dataset], summary: Summary
) -> None:
    train, test = halves
    dummy = DummyClassifier(strategy="most_frequent").fit(test.texts, test.label_ids)
    majority = summary.rivals[MAJORITY].figures
    assert majority.accuracy.value == pytest.approx(dummy.score(test.texts, test.label_ids))
    words = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 3), sublinear_tf=True, max_features=20_000
    )
    model = LogisticRegression(C=4, max_iter=1000).fit(
        words.fit_transform(train.texts), train.label_ids
    )
    said = model.predict(words.transform(test.texts))
    tfidf = summary.rivals[TFIDF].figures
    assert tfidf.accuracy.value == pytest.approx(
        oracle.accuracy_score(test.label_ids, said), abs=0.01
    )
    assert tfidf.macro_f1.value == pytest.approx(
        oracle.f1_score(test.label_ids, said, average="macro"), abs=0.01
    )
    assert summary.tfidf
    assert summary.tfidf.rows == len(train)


def test_intervals_are_those_of_resampled_sentences(scores: Scored, summary: Summary) -> None:
    random = np.random.default_rng(1)
    samples = []
    for _ in range(400):
        rows = random.integers(0, len(scores), len(scores))
        true, said = scores.true[rows], scores.predicted[rows]
        samples.append(
            [
                oracle.accuracy_score(true, said),
                oracle.f1_score(true, said, average="macro", zero_division=0),
                oracle.f1_score(true, said, average="weighted", zero_division=0),
            ]
        )
    expected = np.percentile(samples, [2.5, 97.5], axis=0).T
    figures = summary.figures
    for estimate, (low, high) in zip(
        (figures.accuracy, figures.macro_f1, figures.weighted_f1), expected, strict=True
    ):
        assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.015)
        assert estimate.low < estimate.value < estimate.high


def test_calibration_errors_are_scikit_learns(scores: Scored, summary: Summary) -> None:
    right = scores.predicted == scores.true
    share, confidence = calibration_curve(right, scores.confidence, n_bins=10, strategy="uniform")
    places = np.minimum((scores.confidence * 10).astype(int), 9)
    counts = np.bincount(places, minlength=10)
    assert summary.ece == pytest.approx(
        float(np.abs(share - confidence) @ counts[counts > 0] / len(scores)), abs=1e-9
    )
    before = summary.honesty.before
    assert before.accuracy[before.counts > 0] == pytest.approx(share)
    assert before.confidence[before.counts > 0] == pytest.approx(confidence)


def test_the_error_after_scaling_is_judged_on_sentences_that_did_not_fit_it(
    summary: Summary,
) -> None:
    scores, honest = summary.scored, summary.honesty
    logits, tenth = scores.logits.astype(np.float64), np.arange(len(scores)) % 10
    shares = np.empty_like(logits)
    for number in range(10):
        others = tenth != number
        temperature = fit_temperature(logits[others], scores.true[others])
        shares[~others] = softmax(logits[~others] / temperature)
    assert honest.cross_fitted
    assert honest.after.error == pytest.approx(calibration_error(shares, scores.true))
    assert honest.temperature == fit_temperature(logits, scores.true)


def test_without_training_data_there_is_one_baseline(scores: Scored) -> None:
    alone = summarize(scores, None)
    assert list(alone.rivals) == [MAJORITY]
    assert alone.tfidf is None


def test_tfidf_stays_within_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"문장 {i} {'좋아' if i % 2 else '싫어'}" for i in range(300)]
    lines = np.arange(300, dtype=np.int32)
    data = Dataset("many", texts, (lines % 2).astype(np.int32), lines, ("a", "b"), 300)
    monkeypatch.setattr("kobert_demo.evaluation.baselines.MOST_ROWS", 100)
    monkeypatch.setattr("kobert_demo.evaluation.baselines.MOST_WEIGHTS", 80)
    answers = tfidf_answers(data, data)
    assert (answers.rows, answers.features) == (100, 40)
    assert (answers.predicted == data.label_ids).mean() > 0.95


def test_slices_of_a_real_run_are_scikit_learns(scores: Scored) -> None:
    found = np.array(["?" in text or "？" in text for text in scores.data.texts])
    part = next(part for part in slices(scores) if str(part.name) == "with ?")
    true, said = scores.true[found], scores.predicted[found]
    assert part.support == found.sum()
    assert part.accuracy == pytest.approx(oracle.accuracy_score(true, said))
    assert part.macro_f1 == pytest.approx(
        oracle.f1_score(true, said, average="macro", zero_division=0)
    )


def test_suspected_labels_are_exported_with_the_lines_of_the_file(
    scores: Scored, tmp_path: Path
) -> None:
    rows = suspects(scores)
    assert 0 < len(rows) < (scores.predicted != scores.true).sum()
    table = list(csv.reader(io.StringIO(as_tsv(scores, rows).decode("utf-8-sig")), delimiter="\t"))
    assert table[0] == ["line", "label", "predicted", "probability", "sentence"]
    assert len(table) == len(rows) + 1
    lines = write_part(tmp_path / "part.tsv").read_text(encoding="utf-8").split("\n")
    for line, label, predicted, share, sentence in table[1:]:
        assert sentence in lines[int(line) - 1].replace('""', '"')
        assert lines[int(line) - 1].endswith(label)
        assert predicted != label
        assert 0 < float(share) <= 1


def test_the_json_holds_everything(summary: Summary) -> None:
    told = json.loads(json.dumps(as_json(summary), allow_nan=False))
    assert {"accuracy", "macro_f1", "per_class", "confusion", "ece", "baselines"} <= set(told)
    assert set(told["baselines"]) == {MAJORITY, TFIDF}
    assert np.sum(told["confusion"]) == told["data"]["rows"] == len(summary.scored)
    assert told["intervals"]["accuracy"][0] < told["accuracy"] < told["intervals"]["accuracy"][1]
    assert set(told["per_class"]["행복"]) == {"precision", "recall", "f1", "support"}


@needs_comments
def test_a_file_with_other_labels_is_refused_in_one_sentence(
    scores: Scored, tmp_path: Path
) -> None:
    path = tmp_path / "other.tsv"
    path.write_text("sentence\tlabel\n하나\tx\n둘\ty\n셋\tx\n넷\ty\n", encoding="utf-8")
    with pytest.raises(DataError, match="No test sentence has a label of the training data"):
        with_labels_of(scores.data.labels, read(path))


def test_a_run_whose_data_has_changed_is_refused(
    evaluated: tuple[Runs, Run], tmp_path: Path
) -> None:
    runs, trained = evaluated
    shutil.copytree(runs.workspace, tmp_path / "workspace")
    copy = Runs(tmp_path / "workspace")
    assert copy.data(trained.run)[1].sha256 == trained.record["data"]["test_sha256"]
    shutil.rmtree(tmp_path / "workspace" / "datasets")
    with pytest.raises(DataError, match="There is no dataset"):
        copy.data(trained.run)
