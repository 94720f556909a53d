"""The small pieces that every page is built from, so that all pages look and speak alike."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import streamlit as st

from kobert_demo.errors import KobertDemoError
from kobert_demo.language import Message
from kobert_demo.store import Run
from kobert_demo.ui.session import language, t

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
LINK_STARTS = re.compile(r"([:@]|www)")
WORD_JOINER = "\u2060"


@dataclass(frozen=True)
class _Look:
    """How a run's status is named, coloured (a Streamlit badge colour) and drawn."""

    name: Message
    colour: str
    icon: str


STATUSES = {
    "queued": _Look(Message("Queued"), "gray", "schedule"),
    "running": _Look(Message("Running"), "blue", "progress_activity"),
    "finished": _Look(Message("Finished"), "green", "check_circle"),
    "stopped": _Look(Message("Stopped"), "orange", "stop_circle"),
    "failed": _Look(Message("Failed"), "red", "error"),
    "lost": _Look(Message("Lost"), "red", "link_off"),
    "imported": _Look(Message("Imported"), "violet", "upload"),
}


def plain(text: str) -> str:
    """Return `text` as Markdown that shows exactly `text`: for names, paths and error values.

    Escaping alone leaves bare addresses linked and `:icon:` names drawn; the invisible word joiner
    after their first characters prevents both. Runs of white space become one space.
    """
    marked = LINK_STARTS.sub(rf"\1{WORD_JOINER}", " ".join(text.split()))
    return PUNCTUATION.sub(r"\\\1", marked)


def page_header(title: str, subtitle: str, icon: str | None = None) -> None:
    """Head a page with its translated title and one sentence; `icon` is a Material icon's name."""
    with st.container(gap="xxsmall"):
        st.title(title, icon=icon and f":material/{icon}:", anchor=False)
        st.markdown(f":gray[{subtitle}]")


def empty_state(text: str, page: str, label: str) -> None:
    """Say in a translated sentence what is missing; a button `label` opens the `page` to go to."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.markdown(text, text_alignment="center")
        if st.button(label, type="primary", icon=":material/arrow_forward:", icon_position="right"):
            st.switch_page(page)
        st.space("small")


def choose_in_address(
    label: str, options: Sequence[str], key: str, shown: Callable[[str], str]
) -> str:
    """Show a select box whose choice stands in the address as `key=option`, to reload and to share.

    It is kept while other pages are shown; an address that was followed counts more. (A bound widget
    would write what is shown there, in the visitor's language.)

    Args:
        shown: names an option, always in the same words: the browser keeps those that were chosen.
    """
    asked, written = st.query_params.get(key), f"{key} in the address"
    gone = None if asked in options else asked
    picked = st.session_state.pop(f"{key} picked", False)  # a quick choice may overtake the address
    if not picked and asked in options and asked != st.session_state.get(written):
        st.session_state[key] = asked
    elif st.session_state.get(key) not in options:
        gone = gone or st.session_state.get(key)
        st.session_state.pop(key, None)
    names = distinct_names(options, shown)
    chosen = st.selectbox(
        label,
        options,
        key=key,
        format_func=names.__getitem__,
        persist_state="session",
        on_change=lambda: st.session_state.update({f"{key} picked": True}),
    )
    if gone is not None:
        said = t("{id} is not here any more: showing another one.", id=plain(gone))
        st.warning(said, icon=":material/link_off:")
    st.query_params[key] = st.session_state[written] = chosen
    return chosen


def distinct_names(options: Sequence[str], shown: Callable[[str], str]) -> dict[str, str]:
    """Return a name for each option; those that share one also get the end of their id.

    (A select box takes the first of two options of the same name for the other one.)
    """
    names = {option: shown(option) for option in options}
    count = Counter(names.values())
    return {
        option: name if count[name] == 1 else f"{name} · {option[-4:]}"
        for option, name in names.items()
    }


def run_label(run: Run) -> str:
    """Return a run's name and when it was launched, in the visitor's time: no two sound alike."""
    return f"{run.name} · {visitors_time(run.created_at):%m-%d %H:%M:%S}"


def visitors_time(seconds: float) -> datetime:
    """Return a moment, in seconds since 1970, as the visitor's clock shows it."""
    behind = st.context.timezone_offset  # minutes from the visitor's time to UTC
    zone = None if behind is None else timezone(timedelta(minutes=-behind))
    return datetime.fromtimestamp(seconds, zone)


def status_badge(status: str) -> str:
    """Return a run's status (queued, running, ...) as a Markdown badge with its translated name."""
    look = STATUSES[status]
    return f":{look.colour}-badge[:material/{look.icon}: {look.name.in_language(language())}]"


@contextmanager
def say_errors() -> Iterator[None]:
    """Show the project's own errors in the visitor's language and stop the page; bugs stay loud."""
    try:
        yield
    except KobertDemoError as error:
        st.error(plain(error.in_language(language())), icon=":material/error:")
        st.stop()
