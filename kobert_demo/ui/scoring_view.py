"""A file that is scored or was: how far it is, what can be done to it, and what came out."""

from pathlib import Path

import streamlit as st

from kobert_demo.charts import label_colours, label_counts, percent
from kobert_demo.language import Message, duration
from kobert_demo.scoring_jobs import Job, ScoringJobs
from kobert_demo.store import Run
from kobert_demo.ui.classifier_choice import classifier_name
from kobert_demo.ui.elements import plain, say_errors, visitors_time
from kobert_demo.ui.opening_table import opening_table
from kobert_demo.ui.session import language, t, workspace

TICK = 1  # seconds
FIGURE_WIDTH = 150  # pixels at least
LARGEST_DOWNLOAD = 500  # MB: the server holds in memory what a browser downloads
MOST_LISTED = 20
STAGES = {  # a stage's name and its badge's colour
    "starting": (Message("Scoring"), "blue"),
    "scoring": (Message("Scoring"), "blue"),
    "done": (Message("Done"), "green"),
    "stopped": (Message("Stopped"), "orange"),
    "failed": (Message("Failed"), "red"),
}


@st.cache_resource(show_spinner=False)
def scoring_jobs() -> ScoringJobs:
    """Return the files that are scored; one for all visitors."""
    return ScoringJobs(workspace())


def job_view(job: Job, trained: dict[str, Run]) -> None:
    """Show a job; while it goes on, it is looked at anew every second."""
    name, colour = STAGES[job.state.stage]
    badge = f":{colour}-badge[{name.in_language(language())}]"
    st.markdown(f"#### {plain(job.order.name)} {badge}")
    told = t(
        "Classified by {model} · {date}",
        model=plain(classifier_name(trained, job.order.classifier)),
        date=f"{visitors_time(job.order.created):%Y-%m-%d %H:%M}",
    )
    st.caption(f"{told} · {t('Full precision')}" if job.order.exact else told)
    if job.state.active:
        st.fragment(_progress, run_every=TICK)(job.id)
    elif job.state.stage == "done":
        _download(job)
        _summary(job)
    else:
        _stopped(job)


def _progress(id: str) -> None:
    with say_errors():  # somebody may have deleted it meanwhile
        state = scoring_jobs().get(id).state
    if not state.active:
        st.rerun()
    text = t("Loading the model …")
    if state.stage == "scoring":
        text = percent(state.share)
        if state.left is not None:
            text = f"{text} · {t('about {left} left', left=duration(state.left, language()))}"
    st.progress(state.share, text=text)
    st.caption(t("It goes on when you close this page; the address leads back to it."))
    if st.button(t("Cancel"), icon=":material/close:", key="cancel scoring"):
        with say_errors():
            scoring_jobs().stop(id)
        st.rerun()


def _stopped(job: Job) -> None:
    if job.state.error:
        st.error(plain(job.state.error.in_language(language())), icon=":material/error:")
    st.progress(
        job.state.share,
        text=t("{share} is done and kept: it goes on from there.", share=percent(job.state.share)),
    )
    with st.container(horizontal=True):
        if st.button(t("Go on"), type="primary", icon=":material/resume:", key="resume scoring"):
            with say_errors():
                scoring_jobs().resume(job.id)
            st.rerun()
        _delete(job)


def _delete(job: Job) -> None:
    with st.popover(t("Delete"), icon=":material/delete:"):
        st.markdown(t("The answers are removed for good; your own file stays where it is."))
        if st.button(t("Delete for good"), key="delete scoring"):
            with say_errors():
                scoring_jobs().delete(job.id)
            st.query_params.pop("job", None)
            st.rerun()


def _download(job: Job) -> None:
    with st.container(horizontal=True):
        if job.out.stat().st_size <= LARGEST_DOWNLOAD * 1e6:
            st.download_button(
                t("Download the scored file"),
                job.out.read_bytes,  # only when it is asked for
                f"{Path(job.order.name).stem}-scored{job.order.ending}",
                "text/csv" if job.order.ending == ".csv" else "text/tab-separated-values",
                icon=":material/download:",
                type="primary",
                on_click="ignore",
                key="download scored",
            )
        _delete(job)
    if job.out.stat().st_size > LARGEST_DOWNLOAD * 1e6:
        st.info(
            t(
                "The file is too large for a browser ({size} MB). On the server it lies here:",
                size=f"{job.out.stat().st_size / 1e6:,.0f}",
            ),
            icon=":material/hard_drive:",
        )
        st.code(str(job.out), language=None)


def _summary(job: Job) -> None:
    """Show what is said of a scored file."""
    told = job.state.summary or {}
    with st.grid(4, min_column_width=FIGURE_WIDTH, gap="xsmall"):
        st.metric(t("Rows"), f"{told['rows']:,}", border=True)
        st.metric(t("Classified"), f"{told['scored']:,}", border=True)
        st.metric(t("Mean confidence"), _percent(told["confidence"]), border=True)
        st.metric(
            t("Agreement"),
            _percent(told["agreement"]),
            border=True,
            help=t(
                "The share of the {count} sentences with a label that the model knows, whose answer is "
                "that label.",
                count=f"{told['labelled']:,}",
            ),
        )
    if left := told["rows"] - told["scored"]:
        st.caption(
            t("{count} rows hold no readable sentence: their answers are empty.", count=f"{left:,}")
        )
    if not told["scored"]:
        return
    labels = job.state.labels
    st.subheader(t("Answers by label"), anchor=False)
    st.plotly_chart(
        label_counts(
            {label: told["labels"].get(label, 0) for label in labels}, label_colours(labels)
        ),
        config={"displayModeBar": False},
        alt=t("How many sentences got each label"),
    )
    st.subheader(t("Least certain"), anchor=False)
    st.caption(t("The arrow opens a sentence in Classification."))
    rows = told["least_certain"]
    opening_table(
        [row["text"] for row in rows],
        [job.order.classifier] * len(rows),
        {
            "predicted": [row["label"] for row in rows],
            "confidence": [100 * row["confidence"] for row in rows],
            "line": [row["line"] for row in rows],
        },
        {
            "predicted": st.column_config.TextColumn(t("Predicted")),
            "confidence": st.column_config.NumberColumn(t("Confidence"), format="%.1f%%"),
            "line": st.column_config.NumberColumn(t("Line"), format="%d"),
        },
        f"least certain {job.id}",
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else percent(share)


def job_list(jobs: list[Job], shown: str | None) -> None:
    """List earlier jobs; a click on one shows it."""
    others = [job for job in jobs if job.id != shown]
    if not others:
        return
    st.subheader(t("Scored before"), anchor=False)
    for job in others[:MOST_LISTED]:
        name, colour = STAGES[job.state.stage]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button(plain(job.order.name), type="tertiary", key=f"show {job.id}"):
                st.query_params["job"] = job.id
                st.rerun()
            st.caption(
                f":{colour}-badge[{name.in_language(language())}] "
                f"{visitors_time(job.order.created):%m-%d %H:%M}",
                width="content",
            )
