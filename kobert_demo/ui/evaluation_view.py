"""An evaluation: the answer first, then the figures beside the baselines, slices and exports."""

import json
from functools import partial

import pandas as pd
import streamlit as st

from kobert_demo.charts import percent
from kobert_demo.evaluation.figures import LabelFigures
from kobert_demo.evaluation.report import Told, as_html, figure_titles
from kobert_demo.evaluation.slices import FEW
from kobert_demo.evaluation.summary import Summary, as_json
from kobert_demo.evaluation.verdict import baseline_name, findings, headline, weak_spots
from kobert_demo.evaluation_charts import estimate_bars
from kobert_demo.language import Language
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from kobert_demo.ui.elements import plain
from kobert_demo.ui.evaluation_source import Subject
from kobert_demo.ui.report_view import run_report
from kobert_demo.ui.session import language, t

FIGURE_WIDTH = 150  # pixels at least: four beside each other, on a phone two
MUCH_LEAKED = 0.01


def answer(subject: Subject, summary: Summary) -> None:
    """Say whether the model is good and where it is wrong."""
    spoken = language()
    st.markdown(f"#### {plain(headline(summary).in_language(spoken))}")
    for finding in findings(summary):
        said = plain(finding.message.in_language(spoken))
        if finding.kind == "bad":
            st.error(said, icon=":material/trending_down:")
        elif finding.kind == "unclear":
            st.warning(said, icon=":material/help:")
        else:
            st.success(said, icon=":material/trending_up:")
    spots = weak_spots(summary)
    st.markdown("\n".join(f"- {plain(spot.in_language(spoken))}" for spot in spots))
    if subject.leaked > MUCH_LEAKED:
        st.warning(
            t(
                "{share} of these sentences were trained on, so the figures are too kind to the model.",
                share=percent(subject.leaked),
            ),
            icon=":material/school:",
        )
    if subject.own:
        st.caption(
            t(
                "The epoch that was kept was chosen on these same sentences, so the figures are a little "
                "too kind; a file of its own tells more."
            )
        )


def figures(summary: Summary) -> None:
    """Show the figures with their intervals, and beside the baselines."""
    spoken = language()
    titles = figure_titles(spoken)
    with st.grid(4, min_column_width=FIGURE_WIDTH, gap="xsmall"):
        for name, title in titles.items():
            estimate = getattr(summary.figures, name)
            st.metric(
                title,
                f"{estimate.value:.3f}",
                f"{estimate.low:.3f} – {estimate.high:.3f}",
                delta_color="off",
                delta_arrow="off",
                border=True,
            )
        st.metric(
            t("Calibration error"),
            f"{summary.ece:.3f}",
            t("temperature {temperature}", temperature=f"{summary.scored.temperature:.3g}"),
            delta_color="off",
            delta_arrow="off",
            border=True,
        )
    named = {t("The model"): summary.figures} | {
        baseline_name(name, summary).in_language(spoken): rival.figures
        for name, rival in summary.rivals.items()
    }
    st.plotly_chart(
        estimate_bars(
            {
                name: {title: getattr(of, field) for field, title in titles.items()}
                for name, of in named.items()
            }
        ),
        config={"displayModeBar": False},
        alt=t("The model's figures beside those of the baselines"),
    )
    st.caption(f"{t('Ranges are 95 % bootstrap intervals over sentences.')} {_learnt(summary)}")


def _learnt(summary: Summary) -> str:
    """Say what the TF-IDF baseline learnt from."""
    if summary.tfidf is None:
        return t("The training data is not at hand, so there is no TF-IDF baseline.")
    return t(
        "TF-IDF counts {features} character sequences of one to three and learnt from {rows} training "
        "sentences.",
        features=f"{summary.tfidf.features:,}",
        rows=f"{summary.tfidf.rows:,}",
    )


def slice_table(summary: Summary) -> None:
    """Show the figures of parts of the data, with their support."""
    st.caption(t("Parts with fewer than {few} sentences say little; they are greyed out.", few=FEW))
    spoken, overall = language(), summary.figures.accuracy.value
    kind, support, right, f1 = t("Kind"), t("Sentences"), t("Accuracy"), t("Macro-F1")
    difference = t("Against all")
    share = pd.Series([part.accuracy for part in summary.slices], dtype=float)
    frame = pd.DataFrame(
        {
            kind: [part.name.in_language(spoken) for part in summary.slices],
            support: [part.support for part in summary.slices],
            right: 100 * share,
            difference: 100 * (share - overall),
            f1: pd.Series([part.macro_f1 for part in summary.slices], dtype=float),
        }
    )
    few = [part.support < FEW for part in summary.slices]
    shown = frame.style.apply(
        lambda row: ["color: #8a8f99" if few[row.name] else ""] * len(row), axis=1
    )
    st.dataframe(
        shown,
        hide_index=True,
        height="content",
        placeholder="–",
        column_config={
            kind: st.column_config.TextColumn(pinned=True),
            support: st.column_config.NumberColumn(format="localized"),
            right: st.column_config.NumberColumn(format="%.1f%%"),
            difference: st.column_config.NumberColumn(format="%+.1f"),
            f1: st.column_config.NumberColumn(format="%.3f"),
        },
    )


def exports(
    summary: Summary, runs: Runs, run: Run, course: list[tuple[float, LabelFigures]]
) -> None:
    """Offer the page and the run as HTML files, the figures as JSON; each made when it is asked for."""
    told = Told(run.run, run.name, run.record["config"]["model"], course)
    with st.container(horizontal=True):
        st.download_button(
            t("Download as one HTML file"),
            partial(_html, summary, told, language()),
            f"evaluation-{run.run}.html",
            "text/html",
            icon=":material/description:",
            on_click="ignore",
            key="export html",
        )
        st.download_button(
            t("Figures as JSON"),
            lambda: json.dumps({"run": run.run, **as_json(summary)}, ensure_ascii=False, indent=1),
            f"evaluation-{run.run}.json",
            "application/json",
            icon=":material/data_object:",
            on_click="ignore",
            key="export json",
        )
        run_report(runs, run)


def _html(summary: Summary, told: Told, spoken: Language) -> bytes:
    return as_html(summary, told, spoken).encode("utf-8", errors="replace")
