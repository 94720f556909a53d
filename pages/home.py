"""What the app does in three steps, and where in them the visitor is."""

import pandas as pd
import streamlit as st

from kobert_demo.charts import percent
from kobert_demo.dataset import DatasetSummary, list_datasets
from kobert_demo.model_files import READY_MADE
from kobert_demo.runs import Runs
from kobert_demo.store import Run
from kobert_demo.ui.elements import STATUSES, page_header, plain, say_errors, status_badge
from kobert_demo.ui.session import language, t, workspace

RECENT = 5
EXAMPLE = {
    "sentence": (
        "오랜만에 친구를 만나서 정말 즐거웠어요!",
        "밤길에 누가 따라오는 것 같아서 뛰었어",
        "세 시간이나 기다렸는데 취소라니 너무하네요",
    ),
    "label": ("행복", "공포", "분노"),
}

with say_errors():
    datasets = list_datasets(workspace())
    runs = Runs(workspace()).list()
choice = st.session_state.get("data")
dataset = next((one for one in datasets if choice and one.id == choice.train), None)
dataset = dataset or next(iter(datasets), None)
running = next((run for run in runs if run.status == "running"), None)
active = running or next((run for run in runs if run.active), None)
latest = active or next(iter(runs), None)
trained = [run for run in runs if run.bundle and not run.active]
newest = next(iter(trained), None)
here = 1 if not dataset and not runs else 2 if active or not trained else 3


def card(
    step: int,
    title: str,
    text: str,
    fact: tuple[str, str],
    page: str,
    label: str,
    address: dict[str, str] | None = None,
) -> None:
    """Show a step: what it does, `fact` (a line of Markdown and a small one), and the way to it."""
    done = (bool(dataset), bool(trained), False)[step - 1]
    badge = f":green-badge[:material/check: {t('Done')}]" if done else ""
    if step == here:
        badge = f":blue-badge[{t('You are here')}]"
    with st.container(border=True, height="stretch"):
        with st.container(gap="xxsmall"):
            with st.container(horizontal=True, horizontal_alignment="distribute"):
                st.markdown(f":gray[{t('Step {number}', number=step)}]", width="content")
                st.markdown(badge, width="content")
            st.subheader(title, anchor=False)
            st.markdown(text)
        st.space("stretch")
        with st.container(gap="xxsmall"):
            st.markdown(fact[0])
            st.caption(fact[1])
        kind = "primary" if step == here else "secondary"
        if st.button(label, type=kind, key=f"step {step}", width="stretch"):
            st.switch_page(page, query_params=address)


def size(dataset: DatasetSummary) -> str:
    rows, labels = f"{dataset.usable:,}", len(dataset.labels)
    return t("{rows} sentences · {labels} labels", rows=rows, labels=labels)


def scores(run: Run) -> str:
    if run.status == "imported":
        return t("Trained elsewhere")
    if run.accuracy is None or run.macro_f1 is None:
        return t("Step {step} of {steps}", step=f"{run.step:,}", steps=f"{run.steps:,}")
    accuracy, macro_f1 = percent(run.accuracy), f"{run.macro_f1:.3f}"
    return t("Accuracy {accuracy} · macro-F1 {macro_f1}", accuracy=accuracy, macro_f1=macro_f1)


def latest_runs(runs: list[Run]) -> None:
    columns = {
        t("Run"): [run.name for run in runs],
        t("Status"): [STATUSES[run.status].name.in_language(language()) for run in runs],
        t("Accuracy"): [None if run.accuracy is None else 100 * run.accuracy for run in runs],
        t("Macro-F1"): [run.macro_f1 for run in runs],
        t("Launched"): pd.to_datetime([run.created_at for run in runs], unit="s", utc=True),
    }
    number, when = st.column_config.NumberColumn, st.column_config.DatetimeColumn
    formats = {
        t("Accuracy"): number(format="%.1f%%"),
        t("Macro-F1"): number(format="%.3f"),
        t("Launched"): when(format="YYYY-MM-DD HH:mm", timezone=st.context.timezone),
    }
    st.dataframe(pd.DataFrame(columns), hide_index=True, column_config=formats, placeholder="–")


page_header(
    t("Build an emotion classifier from your own sentences"),
    t("From a table of labelled sentences to a model you can try, in three steps."),
)
st.space("xxsmall")
with st.grid(3, min_column_width=270, gap="medium"):
    card(
        1,
        t("Choose data"),
        t(
            "Upload a TSV with a sentence and a label in each row, or take the sample. Every row that "
            "cannot be used is shown with its reason before anything trains."
        ),
        (plain(dataset.name), size(dataset)) if dataset else ("", t("No data yet")),
        "pages/dataset.py",
        t("Look at the data") if dataset else t("Choose data"),
    )
    card(
        2,
        t("Train"),
        t(
            "Fine-tune a model and watch loss and accuracy move with every step. Training goes on when "
            "you close this page."
        ),
        (f"{plain(latest.name)} {status_badge(latest.status)}", scores(latest))
        if latest
        else ("", t("No run yet")),
        "pages/training.py",
        t("Watch the run") if active else t("Train a model"),
        {"run": active.run} if active else None,
    )
    card(
        3,
        t("Classify"),
        t(
            "Type a sentence: its emotion, every probability, and how the model cut the sentence into "
            "pieces."
        ),
        (plain(newest.name), scores(newest))
        if newest
        else (READY_MADE, t("Comes with the app: try it at once")),
        "pages/classification.py",
        t("Classify sentences"),
        {"classifier": newest.run} if newest else None,
    )

if runs:
    st.subheader(t("Latest runs"), anchor=False)
    latest_runs(runs[:RECENT])
else:
    st.subheader(t("What a file looks like"), anchor=False)
    st.table(pd.DataFrame(EXAMPLE), hide_index=True, border="horizontal")
    st.caption(
        t(
            "A tab between sentence and label. Commas, semicolons, quoted cells and the encodings "
            "UTF-8, UTF-16 and CP949 are recognised as well."
        )
    )
