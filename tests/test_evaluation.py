"""Evaluations of a real run of `mini`: every figure is scikit-learn's, and nothing is kinder than true."""

import csv
import io
import json
import shutil
import time
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
from kobert_demo.evaluation.browsing import Filter, as_tsv, browse, suspects
from kobert_demo.evaluation.figures import compare, label_figures
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


def made_up(texts: list[str], true: list[int], logits: list[list[float]], **more: object) -> Scored:
    """Return scores of sentences on lines 2, 3, ... with labels a, b, ..."""
    labels = tuple("abcdefg"[: len(logits[0])])
    lines = np.arange(2, len(texts) + 2, dtype=np.int32)
    data = Dataset("made up", texts, np.array(true, np.int32), lines, labels, len(texts))
    return Scored(data, np.array(logits, np.float32), **more)


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


@pytest.mark.parametrize("labels", [2, 7, 200])
def test_a_thousand_resamples_of_ten_thousand_sentences_are_quick(labels: int) -> None:
    random = np.random.default_rng(0)
    true = random.integers(0, labels, 10_000)
    said = np.where(random.random(10_000) < 0.6, true, random.integers(0, labels, 10_000))
    began = time.process_time()
    compared = compare(true, {"model": said, "other": np.zeros_like(true)}, labels)
    ours = time.process_time() - began
    began = time.process_time()
    for _ in range(20):
        oracle.f1_score(true[random.integers(0, 10_000, 10_000)], said, average="macro")
    assert ours < 50 * (time.process_time() - began)  # a thousand in a loop, for one of the two
    assert compared["model"].figures.macro_f1.value == pytest.approx(
        oracle.f1_score(true, said, average="macro"), abs=1e-5
    )


def test_only_what_is_better_by_both_figures_beats_and_chance_is_called_so() -> None:
    true = np.array([0] * 90 + [1] * 10)
    constant = np.zeros(100, int)
    spread = np.where(np.arange(100) < 15, 1, true)  # finds the rare label, is right less often
    compared = compare(true, {"model": spread, "majority": constant}, 2)["majority"]
    assert compared.ahead.macro_f1.value > 0
    assert not compared.beaten
    little = np.where(np.arange(100) == 90, 1, constant)
    compared = compare(true, {"model": little, "majority": constant}, 2)["majority"]
    assert compared.beaten
    assert not compared.clearly_beaten
    assert compare(true, {"model": true, "majority": constant}, 2)["majority"].clearly_beaten
    assert not compare(true, {"model": true, "same": true}, 2)["same"].beaten


def test_labels_that_neither_occur_nor_are_predicted_count_in_no_mean() -> None:
    true, said = np.array([0, 0, 3, 3, 3]), np.array([0, 4, 3, 3, 0])
    found = compare(true, {"model": said}, 9)["model"].figures
    for average in ("macro", "weighted"):
        expected = oracle.f1_score(true, said, average=average, zero_division=0)
        assert getattr(found, f"{average}_f1").value == pytest.approx(expected, abs=1e-6)


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


def test_slices_are_parts_of_the_data_with_their_own_figures() -> None:
    texts = ["ㅋㅋ 좋아", "ㅠㅠ", "정말?", "와!", "😀 안녕하세요 반갑습니다", "ㅋ 하나는 아니다"]
    true = [0, 1, 0, 1, 0, 1]
    logits = [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]
    parts = {str(part.name): part for part in slices(made_up(texts, true, logits))}
    for trait in ("ㅋㅋ", "ㅠㅠ", "?", "!", "an emoji"):
        assert parts[f"with {trait}"].support == 1
        assert parts[f"without {trait}"].support == 5
    assert parts["with ㅠㅠ"].accuracy == 0
    assert parts["without ㅠㅠ"].accuracy == pytest.approx(4 / 5)
    assert parts["1 to 10 characters"].support == 5
    assert parts["11 to 20 characters"].support == 1


def test_slices_of_a_real_run_are_scikit_learns(scores: Scored) -> None:
    found = np.array(["?" in text or "？" in text for text in scores.data.texts])
    part = next(part for part in slices(scores) if str(part.name) == "with ?")
    true, said = scores.true[found], scores.predicted[found]
    assert part.support == found.sum()
    assert part.accuracy == pytest.approx(oracle.accuracy_score(true, said))
    assert part.macro_f1 == pytest.approx(
        oracle.f1_score(true, said, average="macro", zero_division=0)
    )


def test_browsing_finds_what_was_asked_for() -> None:
    texts = ["가나다라", "마바", "사 ABC", "아자차카타파"]
    scores = made_up(texts, [0, 1, 0, 1], [[3, 0], [1, 0], [0, 2], [0, 0.1]])
    assert list(browse(scores, Filter(), "line")) == [0, 1, 2, 3]
    assert list(browse(scores, Filter(wrong=True), "confident")) == [2, 1]
    assert list(browse(scores, Filter(), "uncertain")) == [3, 1, 2, 0]
    assert list(browse(scores, Filter(), "longest")) == [3, 2, 0, 1]
    assert list(browse(scores, Filter(), "shortest")) == [1, 0, 2, 3]
    assert list(browse(scores, Filter(true=0, predicted=1), "line")) == [2]
    assert list(browse(scores, Filter(text=" abc "), "line")) == [2]
    assert list(browse(scores, Filter(text="ＡＢＣ"), "line")) == [2]
    assert list(browse(scores, Filter(text="없는 말"), "line")) == []


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


def test_only_confident_disagreement_is_suspected() -> None:
    logits = [[4, 0], [3, 0], [0, 4], [0, 3], [0, 4], [0.2, 0]]
    scores = made_up(list("abcdef"), [0, 0, 1, 1, 0, 1], logits)
    assert list(suspects(scores)) == [4]


def test_a_sentence_with_tabs_lines_and_quotes_survives_the_tsv() -> None:
    hostile = 'tab\there "quoted"\nnext line'
    scores = made_up([hostile], [0], [[0, 1]])
    (_, row) = csv.reader(
        io.StringIO(as_tsv(scores, np.array([0])).decode("utf-8-sig"), newline=""), delimiter="\t"
    )
    assert row == ["2", "a", "b", "0.7311", hostile]


def test_the_figures_of_labels_that_do_not_occur_are_zero() -> None:
    figures = label_figures(np.array([[2, 0, 0], [1, 0, 0], [0, 0, 0]]))
    assert figures.precision == pytest.approx([2 / 3, 0, 0])
    assert figures.recall == pytest.approx([1, 0, 0])
    assert list(figures.support) == [2, 1, 0]


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
