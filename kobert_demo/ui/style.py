"""The little CSS for what Streamlit's theme and parameters cannot say."""

import json

import streamlit as st

from kobert_demo.ui.session import t

DATA_MB, MODEL_MB = 200, 2_000  # the largest uploads; the server's own limit is that of a model
MODEL_UPLOAD = "import_file"  # the key of the box for models
# Korean lines end between words, not within them; the upload box speaks the visitor's language; hints
# at the Enter key, which are English only and lie over the numbers, are left out. A run's figures look like
# Streamlit's own: eight beside each other, four, on a phone two.
STYLE = """<style>
html .stApp :is(p, li, h1, h2, h3, h4) {{ word-break: keep-all; overflow-wrap: anywhere; }}
[data-testid=stFileUploaderDropzone] button p,
[data-testid=stFileUploaderDropzoneInstructions] span {{ font-size: 0; }}
[data-testid=stFileUploaderDropzone] button p::after {{ content: {upload}; font-size: 0.875rem; }}
[data-testid=stFileUploaderDropzoneInstructions] span::after {{
  content: {limit}; font-size: 0.875rem;
}}
.st-key-{model_upload} [data-testid=stFileUploaderDropzoneInstructions] span::after {{
  content: {model_limit};
}}
[data-testid=InputInstructions] {{ display: none; }}
.run-progress[hidden], .run-figures[hidden] {{ display: none; }}
.stApp .run-progress p {{ margin: 0 0 0.5rem; font-size: 0.875rem; }}
.run-progress .bar {{
  height: 0.5rem; border-radius: 0.25rem; overflow: hidden;
  background: var(--st-secondary-background-color);
}}
.run-progress .bar div {{
  height: 100%; border-radius: 0.25rem; background: var(--st-primary-color);
}}
.run-progress + .run-figures {{ margin-top: 1rem; }}
.run-figures {{ container-type: inline-size; }}
.stApp .run-figures dl {{
  display: grid; grid-template-columns: repeat(8, 1fr); gap: 0.5rem; margin: 0; padding: 0;
}}
@container (max-width: 60rem) {{ .stApp .run-figures dl {{ grid-template-columns: repeat(4, 1fr); }} }}
@container (max-width: 30rem) {{ .stApp .run-figures dl {{ grid-template-columns: repeat(2, 1fr); }} }}
.run-figures div {{
  border: 1px solid color-mix(in srgb, currentColor 16%, transparent); border-radius: 0.5rem;
  padding: 0.9rem; min-width: 0;
}}
.run-figures dt {{
  font-size: 0.875rem; font-weight: 400; white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
}}
.run-figures dd {{
  margin: 0; font-size: 1.625rem; font-weight: 600; line-height: 1.35;
  font-variant-numeric: tabular-nums;
}}
.stApp .run-figures p {{
  margin: 0.75rem 0 0; font-size: 0.875rem; color: color-mix(in srgb, currentColor 60%, transparent);
}}
</style>"""


def show_style() -> None:
    """Add the CSS to the page; it takes no room."""
    limit, model_limit = (
        _quoted(t("Up to {megabytes} MB", megabytes=f"{size:,}")) for size in (DATA_MB, MODEL_MB)
    )
    words = {"upload": _quoted(t("Upload")), "limit": limit, "model_limit": model_limit}
    st.html(STYLE.format(**words, model_upload=MODEL_UPLOAD))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
