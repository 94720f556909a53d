"""An app whose attributions take a minute, so that a test can cancel one."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from kobert_demo import attribution
from kobert_demo.model_files import READY_MADE
from kobert_demo.ui.attribution_view import attributed

HEARD = Path(os.environ["KOBERT_DEMO_WORKSPACE"]) / "heard"


def slow(
    predictor: object, text: str, label: str, progress: Callable[[float], None]
) -> attribution.Attribution:
    for step in range(600):
        progress(step / 600)
        HEARD.write_text(str(step))
        time.sleep(0.1)
    raise TimeoutError


attribution.attribute = slow
st.session_state.setdefault("look", "attribution")
if st.session_state["look"] == "attribution":
    attributed(READY_MADE, "좋아", "행복")
st.text(f"Shown: {st.session_state['look']}")
