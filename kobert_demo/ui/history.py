"""Links to a sentence and its classifier, and what this visitor asked before; nothing is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import pandas as pd
import streamlit as st

from kobert_demo.charts import percent
from kobert_demo.ui.answer_view import clipped
from kobert_demo.ui.classifiers import Looked
from kobert_demo.ui.session import t

LONGEST_ASKED = 2_000  # characters in an address
MOST_KEPT = 50


@dataclass(frozen=True)
class Asked:
    """One sentence that was classified, with a link that brings it back; None where it is too long."""

    text: str
    label: str
    confidence: float
    model: str
    link: str | None


def restore(key: str) -> None:
    """Put the sentences that stand in the address, from a link or another page, into the box `key`."""
    if asked := st.query_params.pop("text", None):
        lines = (" ".join(line.split()) for line in asked[:LONGEST_ASKED].splitlines())
        st.session_state[key] = "\n".join(filter(None, lines))


def share(choice: str, sentences: Sequence[str]) -> None:
    """Offer a link that opens the page with these sentences and this classifier."""
    with st.popover(t("Share"), icon=":material/link:"):
        link = _link(choice, "\n".join(sentences))
        if link is None:
            st.caption(
                t(
                    "A link holds at most {most} characters: shorten the sentences.",
                    most=f"{LONGEST_ASKED:,}",
                )
            )
            return
        st.caption(
            t("The sentences and the model stand in the link itself; nothing is stored anywhere.")
        )
        st.code(link, language=None, wrap_lines=True)


def remember(looked: Looked) -> None:
    """Keep what was asked at the top of the session's history."""
    history: dict[tuple[str, str], Asked] = st.session_state.setdefault("history", {})
    prediction = looked.prediction
    key = (looked.choice, prediction.text)
    history.pop(key, None)
    history[key] = Asked(
        clipped(prediction.text),
        prediction.label,
        prediction.probabilities[prediction.label],
        looked.name,
        _link(looked.choice, prediction.text),
    )
    while len(history) > MOST_KEPT:
        del history[next(iter(history))]


def history_view() -> None:
    """Show what was asked in this session, the newest first, each with its link."""
    asked = list(reversed(st.session_state.get("history", {}).values()))
    with st.expander(
        t("Asked in this session ({count})", count=len(asked)), icon=":material/history:"
    ):
        st.dataframe(
            pd.DataFrame(
                {
                    "link": [each.link for each in asked],
                    t("Sentence"): [each.text for each in asked],
                    t("Emotion"): [each.label for each in asked],
                    t("Confidence"): [percent(each.confidence) for each in asked],
                    t("Model"): [each.model for each in asked],
                }
            ),
            hide_index=True,
            column_config={
                "link": st.column_config.LinkColumn(
                    t("Link"), display_text=":material/open_in_new:", width=60
                )
            },
        )
        st.caption(t("Only this tab has it: it is gone when the tab is closed or reloaded."))


def _link(choice: str, text: str) -> str | None:
    """Return the address of the page with these sentences in it, unless they are too many."""
    if len(text) > LONGEST_ASKED:
        return None
    page = urlsplit(st.context.url or "")._replace(query="", fragment="").geturl()
    asked = text.encode("utf-8", "ignore")  # a lone surrogate has no place in an address
    return f"{page}?{urlencode({'classifier': choice, 'text': asked})}"
