"""The app: its pages, their names in two languages, and what stands beside all of them.

`streamlit run` imports this file for `app`, the server. Each visitor's page runs it again, as a script.
"""

from pathlib import Path

import streamlit as st

from kobert_demo.language import LANGUAGES, language_of
from kobert_demo.ui.fragment_ends import keep_ends
from kobert_demo.ui.live_route import live_routes
from kobert_demo.ui.notices import tell_ends
from kobert_demo.ui.page_switch import drop_late_ticks
from kobert_demo.ui.plotly_file import publish_plotly
from kobert_demo.ui.session import t
from kobert_demo.ui.style import show_style
from kobert_demo.ui.theme_message import keep_theme

NATIVE_NAMES = {"ko": "한국어", "en": "English"}
STATIC = Path(__file__).with_name("static")


def show_app() -> None:
    """Show the page that a visitor asks for."""
    st.set_page_config(layout="wide", page_icon=str(STATIC / "icon.svg"))
    st.logo(STATIC / "logo.svg", icon_image=STATIC / "icon.svg", size="large")
    publish_plotly()
    drop_late_ticks()
    keep_ends()
    keep_theme()

    # First of all: the titles below are in the language chosen here.
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

    page = st.navigation(
        [
            st.Page("pages/home.py", title=t("Home"), icon=":material/home:", default=True),
            st.Page(
                "pages/dataset.py",
                title=t("Dataset"),
                icon=":material/table_view:",
                url_path="dataset",
                help=t("Choose the sentences to learn from and see what is in them."),
            ),
            st.Page(
                "pages/training.py",
                title=t("Training"),
                icon=":material/model_training:",
                url_path="training",
                help=t("Fine-tune a model on your sentences and watch it learn."),
            ),
            st.Page(
                "pages/runs.py",
                title=t("Runs"),
                icon=":material/list_alt:",
                url_path="runs",
                help=t("Find, compare and tidy up everything that was trained."),
            ),
            st.Page(
                "pages/compare.py",
                title=t("Compare runs"),
                icon=":material/compare_arrows:",
                url_path="compare",
                visibility="hidden",
            ),
            st.Page(
                "pages/evaluation.py",
                title=t("Evaluation"),
                icon=":material/fact_check:",
                url_path="evaluation",
                help=t("See how good a trained model is, and where it is wrong."),
            ),
            st.Page(
                "pages/classification.py",
                title=t("Classification"),
                icon=":material/mood:",
                url_path="classification",
                help=t("Ask a trained model for the emotion of a sentence."),
            ),
            st.Page(
                "pages/scoring.py",
                title=t("Score a file"),
                icon=":material/playlist_add_check:",
                url_path="scoring",
                help=t("Give every sentence of a file a label and a confidence."),
            ),
            st.Page(
                "pages/test_bench.py",
                title=t("Test bench"),
                icon=":material/science:",
                url_path="test_bench",
                help=t("See whether models get your demo sentences right."),
            ),
        ]
    )
    # The language stands in the address as a code (a bound widget would write the shown name), and only
    # where it is not the browser's own. After the navigation, which clears the address of a new page.
    if chosen != native:
        st.query_params["lang"] = chosen
    elif asked:
        del st.query_params["lang"]
    with st.sidebar:  # what it is drawn with takes no room there
        tell_ends()
    page.run()


if __name__ == "__main__":
    show_app()
else:
    app = st.App(__file__, routes=live_routes())
