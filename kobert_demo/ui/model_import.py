"""A notebook's weights, brought through the browser: they become a run's model like any other."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import streamlit as st

from kobert_demo.config import SETTINGS, TrainingConfig
from kobert_demo.language import Language
from kobert_demo.model_files import KOBERT, from_anywhere
from kobert_demo.processes import PROJECT
from kobert_demo.ui.elements import plain, say_errors
from kobert_demo.ui.model_choice import choose_model, model_is_here
from kobert_demo.ui.session import language, t, workspace
from kobert_demo.ui.style import MODEL_MB, MODEL_UPLOAD

LOCALES: dict[Language, str] = {"ko": "ko_KR.UTF-8", "en": "C.UTF-8"}


def model_import() -> str | None:
    """Ask for a state_dict and what belongs to it; return the id of the run that was just made of it."""
    if st.session_state.pop("imported", False):
        st.session_state["import"] = False
    with st.expander(
        t("Bring a model that you trained in a notebook"),
        icon=":material/upload:",
        key="import",
        on_change="rerun",
    ) as form:
        if not form.open:
            return None
        st.caption(
            t(
                "A file that torch.save(model.state_dict(), …) wrote. Nothing in it is run, and every "
                "tensor is checked against the model that was fine-tuned."
            )
        )
        file = st.file_uploader(
            t("State dict"), key=MODEL_UPLOAD, max_upload_size=MODEL_MB, help=".pt, .pth, .bin"
        )
        labels = st.text_input(
            t("Labels, with commas between them, in the order of their class numbers"),
            placeholder="공포, 놀람, 분노, 슬픔, 중립, 행복, 혐오",
            key="import labels",
        )
        with say_errors():
            model = choose_model("import model", usual=KOBERT)
            here = model_is_here(model)
        length = SETTINGS["max_length"]
        max_length = st.number_input(
            length.name.in_language(language()),
            int(length.lowest),
            int(length.highest),
            TrainingConfig.max_length,
            key="import length",
        )
        ready = here and file is not None and bool(labels.strip())
        if not st.button(t("Import"), type="primary", key="import button", disabled=not ready):
            return None
        assert file is not None
        with st.spinner(t("Checking every tensor …")):
            run = _imported(file.getbuffer(), file.name, labels, model, max_length)
        st.session_state["imported"] = run is not None
        return run


def _imported(content: memoryview, name: str, labels: str, model: str, length: int) -> str | None:
    """Import through the shell's verb, so that the server needs no torch, and say what it says."""
    workspace().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace()) as folder:
        path = Path(folder) / "uploaded-weights"  # an upload's name is for reading only
        path.write_bytes(content)
        words = (f"--labels={labels}", f"--model={from_anywhere(model)}", f"--name={name[-80:]}")
        finished = subprocess.run(
            [
                *(sys.executable, "-m", "kobert_demo", "import", str(path)),
                *(*words, f"--max-length={length}", "--workspace", str(workspace()), "--json"),
            ],
            cwd=PROJECT,
            env={**os.environ, "LC_ALL": LOCALES[language()]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
        )
    if finished.returncode == 0:
        return str(json.loads(finished.stdout)["run"])
    if finished.returncode != 2:
        print(finished.stderr, file=sys.stderr)
        st.error(
            t("The import ended unexpectedly; the server's log says more."), icon=":material/error:"
        )
        return None
    sentence, *code = finished.stderr.strip().replace(path.name, name).split("\n")
    st.error(plain(sentence), icon=":material/error:")
    if code:
        st.code("\n".join(code), language="python")
    return None
