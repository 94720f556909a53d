"""A summary -> one HTML file that holds all of it, charts included, and opens without a network."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from kobert_demo.charts import FONT, label_colours, percent
from kobert_demo.evaluation.browsing import Filter, browse, suspects
from kobert_demo.evaluation.figures import Compared, Estimate, LabelFigures
from kobert_demo.evaluation.scoring import Rows
from kobert_demo.evaluation.summary import Summary
from kobert_demo.evaluation.verdict import baseline_name, findings, headline, weak_spots
from kobert_demo.evaluation_charts import course, estimate_bars, reliability_diagram
from kobert_demo.language import Language, translate

MOST_SENTENCES, MOST_CURVES = 50, 10
RIGHT, WRONG = "104,149,244", "216,96,105"  # of confusion cells, as red, green, blue
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
        f"<h1>{html.escape(t('Evaluation'))}</h1>",
        f'<p class="lead">{html.escape(headline(summary).in_language(language))}</p>',
        _list(
            f"{MARKS[finding.kind]} {finding.message.in_language(language)}"
            for finding in findings(summary)
        ),
        _list(spot.in_language(language) for spot in weak_spots(summary)),
        _table([], [[name, value] for name, value in facts.items()]),
        _heading(t("Beside the baselines")),
        *_figures(summary, language),
        _heading(t("Confusion matrix")),
        f"<p>{html.escape(t('Rows are true labels, columns are predicted ones.'))}</p>",
        _confusion(summary),
        _heading(t("Each label")),
        *_labels(summary, told, language),
        _heading(t("Calibration")),
        *_calibration(summary, language),
        _heading(t("Kinds of sentences")),
        _slices(summary, language),
        _heading(t("Most confidently wrong")),
        _sentences(summary, browse(summary.scored, Filter(wrong=True), "confident"), language),
        _heading(t("Suspected label errors")),
        _sentences(summary, suspects(summary.scored), language),
    ]
    title = html.escape(f"{t('Evaluation')} · {told.name}")
    return _PAGE.format(
        language=language, title=title, font=FONT, plotly=get_plotlyjs(), body="\n".join(parts)
    )


def _heading(text: str) -> str:
    return f"<h2>{html.escape(text)}</h2>"


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in items)}</ul>"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table whose first column stays in sight."""
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr><th>{html.escape(str(first))}</th>"
        + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in others)
        + "</tr>"
        for first, *others in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _chart(figure: go.Figure) -> str:
    figure.update_layout(template="plotly_white")
    text: str = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displayModeBar": False}
    )
    return text


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
    return [_chart(estimate_bars(estimates)), _table(["", *titles.values()], rows)]


def figure_titles(language: Language) -> dict[str, str]:
    """Return what each of the figures is called."""
    return {
        "accuracy": translate("Accuracy", language),
        "macro_f1": translate("Macro-F1", language),
        "weighted_f1": translate("Weighted F1", language),
    }


def _estimate(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} – {estimate.high:.3f})"


def _confusion(summary: Summary) -> str:
    counts, labels = summary.scored.counts, summary.scored.data.labels
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    head = "".join(f"<th>{html.escape(label)}</th>" for label in ("", *labels))
    rows = []
    for true, label in enumerate(labels):
        cells = "".join(
            f'<td style="background:rgba({RIGHT if true == said else WRONG},{share:.2f})" '
            f'title="{percent(share)}">{count:,}</td>'
            for said, (count, share) in enumerate(
                zip(counts[true].tolist(), shares[true].tolist(), strict=True)
            )
        )
        rows.append(f"<tr><th>{html.escape(label)}</th>{cells}</tr>")
    return (
        f'<div class="scroll"><table class="matrix"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


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
    parts = [_table(head, rows)]
    if told.course:
        weakest = np.argsort(of.f1, kind="stable")[:MOST_CURVES]
        curves = {
            labels[place]: [float(figures.f1[place]) for _, figures in told.course]
            for place in sorted(weakest.tolist())
        }
        x_title, colours = translate("Epoch", language), label_colours(labels)
        epochs = [epoch for epoch, _ in told.course]
        parts.append(_chart(course(epochs, curves, colours, x_title=x_title, y_title="F1")))
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
    return [_chart(figure), _table(["", title], rows)]


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
    return _table(head, rows)


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
    table = _table(head, shown) if shown else ""
    return f"{table}<p>{html.escape(count)}</p>"


_PAGE = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
body {{ font: 15px/1.6 {font}; color: #1b2130; max-width: 1080px; margin: 2rem auto; padding: 0 1rem;
  word-break: keep-all; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.75rem; }} h2 {{ font-size: 1.25rem; margin-top: 2.5rem; }}
.lead {{ font-size: 1.25rem; }} ul {{ padding-left: 1.25rem; }}
.scroll {{ overflow: auto; max-height: 34rem; border: 1px solid #e1e4eb; border-radius: 0.5rem; }}
table {{ border-collapse: separate; border-spacing: 0; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.3rem 0.6rem; text-align: left; border-bottom: 1px solid #e1e4eb; }}
tbody th {{ position: sticky; left: 0; background: #fff; font-weight: 600; white-space: nowrap; }}
thead th {{ position: sticky; top: 0; background: #f4f5f8; white-space: nowrap; }}
thead th:first-child {{ left: 0; z-index: 1; }}
td:not(:last-child) {{ white-space: nowrap; }}
.matrix th:not(:first-child), .matrix td {{ text-align: right; min-width: 2.5rem; }}
</style><script>{plotly}</script></head><body>
{body}
</body></html>
"""
