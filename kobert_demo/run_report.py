"""A run, or sentences that were classified -> a report: one HTML file for reading, keeping and printing."""

import html
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from kobert_demo.charts import (
    label_colours,
    label_counts,
    length_histogram,
    percent,
    probability_bars,
)
from kobert_demo.config import TrainingConfig
from kobert_demo.curves import Table
from kobert_demo.encoded_store import encode_dataset
from kobert_demo.encoding import Encoding
from kobert_demo.errors import DataError, RunError
from kobert_demo.evaluation_charts import progress_curves
from kobert_demo.html_report import (
    chart,
    confusion_matrix,
    heading,
    page,
    paragraph,
    table,
)
from kobert_demo.language import Language, Message, translate
from kobert_demo.model_files import find_model
from kobert_demo.preflight import Report, inspect
from kobert_demo.runs import Runs
from kobert_demo.store import Row, Run
from kobert_demo.vocabularies import read_vocabulary

if TYPE_CHECKING:
    from kobert_demo.predictor import Prediction

MOST_SENTENCES = 50
MOST_POINTS = 800  # of a curve
Curve = tuple[Sequence[float], Sequence[float | None]]  # steps and values


@dataclass(frozen=True, eq=False)
class Story:
    """What a run's record and its store tell.

    Attributes:
        labels: the run's, in the order of the confusion counts.
        max_length: pieces of a sentence that the model reads.
        data: what the pre-flight check finds in the training data; None where it is not at hand.
        losses, shares: named curves of training and of evaluations.
        best: the evaluation of the model that was kept; None where there was none.
    """

    labels: Sequence[str]
    max_length: int
    data: Report | None
    losses: Sequence[tuple[Message, Curve]]
    shares: Sequence[tuple[Message, Curve]]
    best: Row | None


def story_of(runs: Runs, run: Run) -> Story:
    """Read what a report tells of a run."""
    labels = run.record["labels"]
    max_length = run.record.get("config", {}).get("max_length", TrainingConfig.max_length)

    def curve(table: Table, column: str) -> Curve:
        return runs.store.curve(run.run, table, column, most=MOST_POINTS)

    evaluations = runs.store.evaluations(run.run)
    return Story(
        labels,
        max_length,
        _checked(runs, run, max_length),
        [
            (Message("Train loss"), curve("steps", "loss")),
            (Message("Test loss"), curve("evaluations", "loss")),
        ],
        [
            (Message("Train accuracy"), curve("steps", "accuracy")),
            (Message("Test accuracy"), curve("evaluations", "accuracy")),
            (Message("Macro-F1"), curve("evaluations", "macro_f1")),
        ],
        next((row for row in evaluations if row["step"] == run.best_step), None),
    )


def _checked(runs: Runs, run: Run, max_length: int) -> Report | None:
    """Check a run's data as before it was launched; its encoding is still on disk, most times."""
    if "data" not in run.record:
        return None
    with suppress(DataError, RunError):
        train, test = runs.data(run.run)
        vocabulary = read_vocabulary(find_model(str(runs.bundle(run.run))).vocabulary)
        encoded = encode_dataset(train, vocabulary, runs.workspace)
        return inspect(train, encoded, vocabulary, max_length, test)
    return None


def as_html(
    name: str,
    facts: Mapping[str, str],
    predictions: "Sequence[Prediction]",
    language: Language,
    story: Story | None = None,
) -> str:
    """Return the report in one language.

    Args:
        name: of the classifier; facts: its card, by names in that language.
        predictions: the chosen sentences.
        story: of a run; None where only sentences are told.
    """

    def t(text: str, /, **values: object) -> str:
        return translate(text, language, **values)

    title = f"{t('Report')} · {name}"
    made = {t("Made"): f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"}
    parts = [
        heading(title, 1),
        *(_headline(story, language) if story else []),
        heading(t("Model card")),
        table([], [[key, value] for key, value in {**facts, **made}.items()]),
        *(_story(story, language) if story else []),
        *(_sentences(predictions, language) if predictions else []),
    ]
    return page(title, parts, language)


def _headline(story: Story, language: Language) -> list[str]:
    if story.best is None:
        return []
    said = translate(
        "Accuracy {accuracy}, macro-F1 {macro_f1} on {count} test sentences, after step {step}.",
        language,
        accuracy=percent(story.best["accuracy"]),
        macro_f1=f"{story.best['macro_f1']:.3f}",
        count=f"{int(np.sum(story.best['confusion'])):,}",
        step=f"{story.best['step']:,}",
    )
    kind = translate(
        "The model was chosen by macro-F1 on these same sentences, so the figures are a little too "
        "kind to it.",
        language,
    )
    return [paragraph(said, lead=True), paragraph(kind)]


def _story(story: Story, language: Language) -> Iterable[str]:
    def t(text: str, /) -> str:
        return translate(text, language)

    colours = label_colours(story.labels)
    if story.data:
        yield heading(t("Training data"))
        yield table([], _figures(story.data, language))
        yield heading(t("Sentences per label"), 3)
        yield chart(label_counts(story.data.label_counts, colours))
        yield heading(t("Length of the sentences in pieces"), 3)
        limit = translate("maximum length {length}", language, length=story.max_length)
        axes = {"x_title": t("Pieces, [CLS] and [SEP] included"), "y_title": t("Sentences")}
        yield chart(
            length_histogram(story.data.lengths, story.max_length, limit_title=limit, **axes)
        )
    if any(steps for _, (steps, _) in story.losses):
        yield heading(t("Training curves"))
        for curves, title, limits in (
            (story.losses, t("Loss"), None),
            (story.shares, t("Accuracy"), (0.0, 1.0)),
        ):
            named = {name.in_language(language): curve for name, curve in curves}
            yield chart(progress_curves(named, x_title=t("Step"), y_title=title, limits=limits))
    if story.best:
        counts = np.array(story.best["confusion"])
        yield heading(t("Confusion matrix"))
        yield paragraph(t("Rows are true labels, columns are predicted ones."))
        yield confusion_matrix(counts, story.labels)
        yield heading(t("Each label"))
        head = [t("Label"), t("Sentences"), t("Precision"), t("Recall")]
        yield table(head, _rates(counts, story.labels))


def _figures(data: Report, language: Language) -> list[list[object]]:
    """Return the figures of the pre-flight check: name, value, what it means."""

    def t(text: str, /) -> str:
        return translate(text, language)

    return [
        [t("Sentences"), f"{sum(data.label_counts.values()):,}", ""],
        [
            t("Duplicates"),
            f"{data.duplicates:,}",
            t("Rows whose sentence and label stood in an earlier row already."),
        ],
        [
            t("Conflicts"),
            f"{data.conflicts:,}",
            t("Sentences that stand with more than one label."),
        ],
        [
            t("Leaked"),
            f"{data.leaked:,}",
            t("Test sentences that are training sentences too: they make the test too easy."),
        ],
        [
            t("Cut"),
            percent(data.truncated),
            t("Sentences longer than the maximum length: the model does not read their ends."),
        ],
        [
            "[UNK]",
            percent(data.unk_rate),
            t("Pieces that the vocabulary does not know. Past 5% something is wrong."),
        ],
    ]


def _rates(counts: np.ndarray, labels: Sequence[str]) -> list[list[object]]:
    right, true, said = counts.diagonal(), counts.sum(1), counts.sum(0)
    return [
        [label, f"{true[i]:,}", _share(right[i], said[i]), _share(right[i], true[i])]
        for i, label in enumerate(labels)
    ]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "–"


def _sentences(predictions: "Sequence[Prediction]", language: Language) -> Iterable[str]:
    shown = predictions[:MOST_SENTENCES]
    yield heading(translate("Classified sentences", language))
    head = [
        translate("Predicted", language),
        translate("Confidence", language),
        translate("Sentence", language),
    ]
    rows = [[p.label, percent(max(p.probabilities.values())), p.text] for p in shown]
    yield table(head, rows)
    colours = label_colours(list(shown[0].probabilities))
    for prediction in shown:
        pieces = "".join(
            f"<span>{html.escape(token)}<small>{id}</small></span>"
            for token, id in zip(
                prediction.encoding.tokens, prediction.encoding.input_ids, strict=True
            )
        )
        yield (
            f"<section>{heading(prediction.text, 3)}"
            f"{chart(probability_bars(prediction.probabilities, colours))}"
            f'<div class="pieces">{pieces}</div>{_cut(prediction.encoding, language)}</section>'
        )


def _cut(encoding: Encoding, language: Language) -> str:
    """Return what is said of pieces that were not read; nothing where all were."""
    if not encoding.cut:
        return ""
    return paragraph(
        translate(
            "{count} pieces did not fit into {max_length} and were cut.",
            language,
            count=f"{encoding.cut:,}",
            max_length=encoding.max_length,
        )
    )
