"""A run's latest figures, side by side in one element: a live tick builds and sends them every second."""

import html

import streamlit as st

from kobert_demo.charts import percent
from kobert_demo.store import Row, Run
from kobert_demo.ui.session import t

# The looks are in style.py.
FIGURE = "<div><dt>{name}</dt><dd>{value}</dd></div>"


def run_figures(run: Run, last: list[Row], evaluated: tuple[float | None, float | None]) -> None:
    """Show what the last steps and evaluations told.

    Args:
        last: the latest steps, in order; the speed is that of all of them.
        evaluated: test loss and accuracy.
    """
    now, before = last[-1], last[0]
    seconds = now["seconds"] - before["seconds"]
    speed = (now["sentences"] - before["sentences"]) / seconds if seconds else None
    rate = now["learning_rate"]
    loss, accuracy = evaluated
    figures = {
        t("Train loss"): _number(now["loss"], ".3f"),
        t("Test loss"): _number(loss, ".3f"),
        t("Train accuracy"): percent(now["accuracy"]),
        t("Test accuracy"): "–" if accuracy is None else percent(accuracy),
        t("Best macro-F1"): _number(run.macro_f1, ".3f"),
        t("Learning rate"): f"{rate:.1e}".replace("e-0", "e-") if rate else "0",
        t("Gradient norm"): _number(now["grad_norm"], ".2f"),
        t("Sentences/s"): _number(speed, ",.0f"),
    }
    shown = "".join(
        FIGURE.format(name=html.escape(name), value=html.escape(value))
        for name, value in figures.items()
    )
    which = (
        t("Test loss and accuracy are those of the last evaluation.")
        if run.active
        else t("Test loss and accuracy are those of the model that was kept, the best by macro-F1.")
    )
    note = html.escape(f"{which} {t('Train accuracy counts anew in each epoch.')}")
    st.html(f'<div class="run-figures"><dl>{shown}</dl><p>{note}</p></div>')


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
