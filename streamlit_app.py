"""The app: its pages, their names in two languages, and what stands beside all of them.

`streamlit run` imports this file for `app`, the server. Each visitor's page runs it again, as a script.
"""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from kobert_demo.language import LANGUAGES, Message, language_of
from kobert_demo.ui.fragment_ends import keep_ends
from kobert_demo.ui.live_route import live_routes
from kobert_demo.ui.notices import tell_ends
from kobert_demo.ui.page_switch import drop_late_ticks
from kobert_demo.ui.plotly_file import publish_plotly
from kobert_demo.ui.session import language
from kobert_demo.ui.style import show_style
from kobert_demo.ui.theme_message import keep_theme

NATIVE_NAMES = {"ko": "한국어", "en": "English"}
STATIC = Path(__file__).with_name("static")


@dataclass(frozen=True)
class _Entry:
    """A page as the navigation shows it; without a word on what one does there, it is not listed.

    Attributes:
        icon: a Material icon's name.
    """

    title: Message
    icon: str
    help: Message | None = None


# The first one opens; it is the only one that needs no word on what one does there. The names are those of
# the files in pages/, and of the addresses.
HOME = _Entry(Message("Home"), "home")
PAGES = {
    "dataset": _Entry(
        Message("Dataset"),
        "table_view",
        Message("Choose the sentences to learn from and see what is in them."),
    ),
    "training": _Entry(
        Message("Training"),
        "model_training",
        Message("Fine-tune a model on your sentences and watch it learn."),
    ),
    "runs": _Entry(
        Message("Runs"),
        "list_alt",
        Message("Find, compare and tidy up everything that was trained."),
    ),
    "compare": _Entry(Message("Compare runs"), "compare_arrows"),
    "evaluation": _Entry(
        Message("Evaluation"),
        "fact_check",
        Message("See how good a trained model is, and where it is wrong."),
    ),
    "classification": _Entry(
        Message("Classification"),
        "mood",
        Message("Ask a trained model for the emotion of a sentence."),
    ),
    "scoring": _Entry(
        Message("Score a file"),
        "playlist_add_check",
        Message("Give every sentence of a file a label and a confidence."),
    ),
    "test_bench": _Entry(
        Message("Test bench"),
        "science",
        Message("See whether models get your demo sentences right."),
    ),
}


def show_app() -> None:
    """Show the page that a visitor asks for."""
    st.set_page_config(layout="wide", page_icon=str(STATIC / "icon.svg"))
    st.logo(STATIC / "logo.svg", icon_image=STATIC / "icon.svg", size="large")
    publish_plotly()
    drop_late_ticks()
    keep_ends()
    keep_theme()

    # First of all: the titles of the pages are in the language chosen here.
    asked, native = st.query_params.get("lang"), language_of(st.context.locale)
    st.session_state.setdefault("lang", asked if asked in LANGUAGES else native)
    chosen = st.sidebar.segmented_control(
        "Language · 언어",
        LANGUAGES,
        key="lang",
        required=True,
        format_func=NATIVE_NAMES.__getitem__,
        width="stretch",
        persist_state="session",
    )
    show_style()
    page = st.navigation([_page("home", HOME), *(_page(*entry) for entry in PAGES.items())])
    # The language stands in the address as a code (a bound widget would write the shown name), and only
    # where it is not the browser's own. After the navigation, which clears the address of a new page.
    if chosen != native:
        st.query_params["lang"] = chosen
    elif asked:
        del st.query_params["lang"]
    with st.sidebar:  # what it is drawn with takes no room there
        tell_ends()
    page.run()


def _page(name: str, entry: _Entry) -> st.Page:
    first = entry is HOME
    return st.Page(
        f"pages/{name}.py",
        title=entry.title.in_language(language()),
        icon=f":material/{entry.icon}:",
        url_path=None if first else name,
        default=first,
        visibility="visible" if entry.help or first else "hidden",
        help=entry.help and entry.help.in_language(language()),
    )


if __name__ == "__main__":
    show_app()
else:
    app = st.App(__file__, routes=live_routes())
