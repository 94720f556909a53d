"""The little CSS for what Streamlit's theme and parameters cannot say."""

import json

import streamlit as st

from kobert_demo.ui.session import t

# Korean lines end between words, not within them; the upload box speaks the visitor's language; hints
# at the Enter key, which are English only and lie over the numbers, are left out.
STYLE = """<style>
html .stApp :is(p, li, h1, h2, h3, h4) {{ word-break: keep-all; overflow-wrap: anywhere; }}
[data-testid=stFileUploaderDropzone] button p,
[data-testid=stFileUploaderDropzoneInstructions] span {{ font-size: 0; }}
[data-testid=stFileUploaderDropzone] button p::after {{ content: {upload}; font-size: 0.875rem; }}
[data-testid=stFileUploaderDropzoneInstructions] span::after {{
  content: {limit}; font-size: 0.875rem;
}}
[data-testid=InputInstructions] {{ display: none; }}
</style>"""


def show_style() -> None:
    """Add the CSS to the page; it takes no room."""
    limit = t("Up to {megabytes} MB", megabytes=st.get_option("server.maxUploadSize"))
    st.html(STYLE.format(upload=_quoted(t("Upload")), limit=_quoted(limit)))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
