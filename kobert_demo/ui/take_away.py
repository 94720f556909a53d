"""A run's best model as a file to download."""

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import streamlit as st

from kobert_demo.processes import PROJECT
from kobert_demo.runs import Runs
from kobert_demo.ui.session import t


def take_away(runs: Runs, run: str) -> None:
    """Offer a run's best model as a zip and as an ONNX file; each is made when it is asked for."""
    with st.popover(t("Take the model away"), icon=":material/output:"):
        st.caption(
            t(
                "The zip is a folder in Hugging Face format: transformers loads it without this app, "
                "tokenizer included. ONNX is one file for onnxruntime, compared with the model before "
                "it is handed out; making it takes up to a minute."
            )
        )
        for form, label, icon in (
            ("zip", t("Download the zip"), ":material/folder_zip:"),
            ("onnx", t("Download as ONNX"), ":material/deployed_code:"),
        ):
            st.download_button(
                label,
                data=partial(_made, runs, run, form),
                file_name=f"{run}.{form}",
                mime="application/octet-stream",
                icon=icon,
                on_click="ignore",
                width="stretch",
                key=f"take away {form}",
            )


def _made(runs: Runs, run: str, form: str) -> bytes:
    """Return the content of the file, made by the shell's verb: the server never imports torch for it."""
    with tempfile.TemporaryDirectory(dir=runs.workspace) as folder:
        out = Path(folder) / f"model.{form}"
        words = ("--run", run, "--format", form, "--out", out, "--workspace", runs.workspace)
        subprocess.run(
            [sys.executable, "-m", "kobert_demo", "export", *map(str, words), "--json"],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return out.read_bytes()
