"""A summary -> one HTML file that holds all of it, charts included, and opens without a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from kobert_demo.charts import label_colours, percent
from kobert_demo.evaluation.browsing import Filter, browse, suspects
from kobert_demo.evaluation.figures import Compared, Estimate, LabelFigures
from kobert_demo.evaluation.scoring import Rows
from kobert_demo.evaluation.summary import Summary
from kobert_demo.evaluation.verdict import baseline_name, findings, headline, weak_spots
from kobert_demo.evaluation_charts import course, estimate_bars, reliability_diagram
from kobert_demo.html_report import (
    chart,
    confusion_matrix,
    heading,
    listing,
    page,
    paragraph,
    table,
)
from kobert_demo.language import Language, translate

MOST_SENTENCES, MOST_CURVES = 50, 10
MARKS = {"good": "✓", "unclear": "≈", "bad": "✗"}


@dataclass(frozen=True, eq=False)
class Told:
    """What a report tells besides its summary.

    Attributes:
        run, name, model: the run's id, its name and what it was fine-tuned from.
        course: (epochs done, the figures of each label then) for each evaluation while it trained.
    """

    run: str
    name: str
    model: str
    course: Sequence[tuple[float, LabelFigures]] = ()


def as_html(summary: Summary, told: Told, language: Language) -> str:
    """Return the report in one language."""

    def t(text: str, /, **values: object) -> str:
        return translate(text, language, **values)

    data = summary.scored.data
    facts = {
        t("Run"): f"{told.name} ({told.run})",
        t("Model"): told.model,
        t("Data"): data.name,
        t("Sentences"): f"{len(data):,}",
        "SHA-256": data.sha256,
        t("Temperature"): f"{summary.scored.temperature:.4g}",
        t("Made"): f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }
    parts = [
        heading(t("Evaluation"), 1),
        paragraph(headline(summary).in_language(language), lead=True),
        listing(
            f"{MARKS[finding.kind]} {finding.message.in_language(language)}"
            for finding in findings(summary)
        ),
        listing(spot.in_language(language) for spot in weak_spots(summary)),
        table([], [[name, value] for name, value in facts.items()]),
        heading(t("Beside the baselines")),
        *_figures(summary, language),
        heading(t("Confusion matrix")),
        paragraph(t("Rows are true labels, columns are predicted ones.")),
        confusion_matrix(summary.scored.counts, data.labels),
        heading(t("Each label")),
        *_labels(summary, told, language),
        heading(t("Calibration")),
        *_calibration(summary, language),
        heading(t("Kinds of sentences")),
        _slices(summary, language),
        heading(t("Most confidently wrong")),
        _sentences(summary, browse(summary.scored, Filter(wrong=True), "confident"), language),
        heading(t("Suspected label errors")),
        _sentences(summary, suspects(summary.scored), language),
    ]
    return page(f"{t('Evaluation')} · {told.name}", parts, language)


def _figures(summary: Summary, language: Language) -> list[str]:
    own = Compared(summary.figures, summary.figures)
    named = {
        translate("The model", language): own,
        **{
            baseline_name(name, summary).in_language(language): rival
            for name, rival in summary.rivals.items()
        },
    }
    titles = figure_titles(language)
    estimates = {
        name: {title: getattr(of.figures, field) for field, title in titles.items()}
        for name, of in named.items()
    }
    rows = [[name, *map(_estimate, of.values())] for name, of in estimates.items()]
    return [chart(estimate_bars(estimates)), table(["", *titles.values()], rows)]


def figure_titles(language: Language) -> dict[str, str]:
    """Return what each of the figures is called."""
    return {
        "accuracy": translate("Accuracy", language),
        "macro_f1": translate("Macro-F1", language),
        "weighted_f1": translate("Weighted F1", language),
    }


def _estimate(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} – {estimate.high:.3f})"


def _labels(summary: Summary, told: Told, language: Language) -> list[str]:
    of, labels = summary.labels, summary.scored.data.labels
    head = [
        translate("Label", language),
        translate("Precision", language),
        translate("Recall", language),
        "F1",
        translate("Sentences", language),
    ]
    rows = [
        [label, f"{of.precision[i]:.3f}", f"{of.recall[i]:.3f}", f"{of.f1[i]:.3f}", of.support[i]]
        for i, label in enumerate(labels)
    ]
    parts = [table(head, rows)]
    if told.course:
        weakest = np.argsort(of.f1, kind="stable")[:MOST_CURVES]
        curves = {
            labels[place]: [float(figures.f1[place]) for _, figures in told.course]
            for place in sorted(weakest.tolist())
        }
        x_title, colours = translate("Epoch", language), label_colours(labels)
        epochs = [epoch for epoch, _ in told.course]
        parts.append(chart(course(epochs, curves, colours, x_title=x_title, y_title="F1")))
    return parts


def _calibration(summary: Summary, language: Language) -> list[str]:
    honest = summary.honesty
    before = translate("Without a temperature", language)
    after = (
        translate("With a fitted temperature", language)
        if summary.scored.temperature == 1
        else translate("With the temperature", language)
    )
    figure = reliability_diagram(
        {before: honest.before, after: honest.after},
        x_title=translate("Confidence", language),
        y_title=translate("Share of right answers", language),
    )
    title = translate("Expected calibration error", language)
    rows = [[before, f"{honest.before.error:.4f}"], [after, f"{honest.after.error:.4f}"]]
    return [chart(figure), table(["", title], rows)]


def _slices(summary: Summary, language: Language) -> str:
    head = [
        translate("Kind", language),
        translate("Sentences", language),
        translate("Accuracy", language),
        translate("Macro-F1", language),
    ]
    rows = [
        [
            part.name.in_language(language),
            part.support,
            "–" if part.accuracy is None else percent(part.accuracy),
            "–" if part.macro_f1 is None else f"{part.macro_f1:.3f}",
        ]
        for part in summary.slices
    ]
    return table(head, rows)


def _sentences(summary: Summary, rows: Rows, language: Language) -> str:
    scored, labels = summary.scored, summary.scored.data.labels
    head = [
        translate("Line", language),
        translate("Label", language),
        translate("Predicted", language),
        translate("Confidence", language),
        translate("Sentence", language),
    ]
    shown = [
        [
            scored.data.lines[row],
            labels[scored.true[row]],
            labels[scored.predicted[row]],
            percent(float(scored.confidence[row])),
            scored.data.texts[row],
        ]
        for row in rows[:MOST_SENTENCES]
    ]
    count = translate(
        "{shown} of {count} sentences.", language, shown=len(shown), count=f"{len(rows):,}"
    )
    return f"{table(head, shown) if shown else ''}{paragraph(count)}"
