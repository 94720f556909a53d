"""The answer in words, the report as one file, and its charts."""

import re
from dataclasses import replace

import numpy as np
import pytest

from kobert_demo.dataset import Dataset
from kobert_demo.evaluation.baselines import TfidfAnswers
from kobert_demo.evaluation.figures import label_figures
from kobert_demo.evaluation.report import Told, as_html
from kobert_demo.evaluation.scoring import Scored
from kobert_demo.evaluation.summary import Summary, summarize
from kobert_demo.evaluation.verdict import findings, headline, weak_spots
from kobert_demo.evaluation_charts import course, estimate_bars, reliability_diagram

HOSTILE = '<img src=x onerror="alert(1)"> <b>굵게</b>'


def summary(labels: int = 3, right: float = 0.8, tfidf_right: float = 0.5) -> Summary:
    """Return the evaluation of a made-up classifier that is right so often, on 400 sentences."""
    random = np.random.default_rng(0)
    names = (HOSTILE, *(f"라벨 {place}" for place in range(1, labels)))
    true = random.integers(0, labels, 400)

    def answers(share: float) -> np.ndarray:
        return np.where(random.random(400) < share, true, random.integers(0, labels, 400))

    logits = random.normal(0, 1, (400, labels)).astype(np.float32)
    logits[np.arange(400), answers(right)] += 5
    data = Dataset(
        "made up",
        [f"{HOSTILE} {place}{'?' * (place % 2)}" for place in range(400)],
        true.astype(np.int32),
        np.arange(2, 402, dtype=np.int32),
        names,
        400,
    )
    return summarize(Scored(data, logits), TfidfAnswers(answers(tfidf_right), 300, 50))


@pytest.mark.parametrize(
    ("right", "tfidf_right", "kinds"),
    [
        (0.9, 0.4, ["good", "good"]),
        (0.76, 0.7, ["good", "unclear"]),
        (0.5, 0.9, ["good", "bad"]),
        (0.0, 0.9, ["bad", "bad"]),
    ],
)
def test_the_verdict_is_plain(right: float, tfidf_right: float, kinds: list[str]) -> None:
    found = findings(summary(right=right, tfidf_right=tfidf_right))
    assert [finding.kind for finding in found] == kinds
    begins = {"good": "It beats", "unclear": "It is ahead of", "bad": "It does not beat"}
    for finding in found:
        assert str(finding.message).startswith(begins[finding.kind])
    assert "TF-IDF with logistic regression" in str(found[1].message)
    assert "기준 모델" in found[1].message.in_language("ko")


def test_where_it_is_wrong_is_named() -> None:
    whole = summary()
    counts = whole.scored.counts - np.diag(whole.scored.counts.diagonal())
    true, said = np.unravel_index(counts.argmax(), counts.shape)
    names = whole.scored.data.labels
    mistake, label, kind = weak_spots(whole)
    assert f"“{names[said]}” where “{names[true]}” is right: {counts.max()} times" in str(mistake)
    assert f"“{names[int(whole.labels.f1.argmin())]}”" in str(label)
    assert "accuracy" in str(kind)
    assert "of 400 sentences" in str(headline(whole))
    logits = np.eye(3, dtype=np.float32)[whole.scored.true] * 5
    perfect = summarize(replace(whole.scored, logits=logits), None)
    assert [str(spot) for spot in weak_spots(perfect)] == [
        "It makes no mistake on these sentences."
    ]


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("labels", [2, 200])
def test_the_report_is_whole_and_escapes_what_people_wrote(labels: int, language: str) -> None:
    whole = summary(labels)
    past = [(1.0, label_figures(whole.scored.counts)), (2.0, label_figures(whole.scored.counts))]
    text = as_html(whole, Told("run-1", HOSTILE, "mini", past), language)
    page = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert "<img" not in page
    assert "<b>굵게" not in page
    assert "&lt;img src=x" in page
    assert not re.search(r'(src|href)="?https?:', page)
    assert page.count("plotly-graph-div") == 3
    assert page.count("<tr>") > labels
    assert str(whole.scored.counts[0, 0]) in page
    assert {"ko": "혼동 행렬", "en": "Confusion matrix"}[language] in page


def test_charts_draw_what_they_are_given() -> None:
    whole = summary()
    bars = estimate_bars({"모델": {"정확도": whole.figures.accuracy}})
    assert bars.data[0].y == (whole.figures.accuracy.value,)
    assert bars.data[0].error_y.array[0] == pytest.approx(
        whole.figures.accuracy.high - whole.figures.accuracy.value
    )
    diagram = reliability_diagram(
        {"before": whole.honesty.before, "after": whole.honesty.after}, x_title="x", y_title="y"
    )
    some = whole.honesty.before.counts > 0
    assert list(diagram.data[0].y) == pytest.approx(list(whole.honesty.before.accuracy[some]))
    lines = course([1, 2], {HOSTILE: [0.1, 0.5]}, {HOSTILE: "#123456"}, x_title="x", y_title="y")
    assert lines.data[0].y == (0.1, 0.5)
    assert "<img" not in lines.data[0].name
