"""Two or more runs compared; the address names them, to reload and to share."""

import streamlit as st

from kobert_demo.charts import PALETTE
from kobert_demo.runs import Runs
from kobert_demo.ui.comparison_view import comparison_view
from kobert_demo.ui.elements import distinct_names, page_header, plain, run_label, say_errors
from kobert_demo.ui.session import t, workspace

page_header(
    t("Compare runs"),
    t("What was set differently, what came of it, and how sure one can be of the difference."),
    "compare_arrows",
)
st.page_link("pages/runs.py", label=t("All runs"), icon=":material/arrow_back:")
runs = Runs(workspace())
with say_errors():
    known = {run.run: run for run in runs.list()}
asked = [run for run in st.query_params.get("runs", "").split(",") if run]
if asked != st.session_state.get("compared in the address"):
    st.session_state["compared"] = [run for run in asked if run in known][: len(PALETTE)]
for gone in (run for run in asked if run not in known):
    st.warning(t("The run {id} is not here any more.", id=plain(gone)), icon=":material/link_off:")
chosen = st.multiselect(
    t("Runs to compare, the first against the others"),
    list(known),
    format_func=distinct_names(list(known), lambda run: run_label(known[run])).__getitem__,
    max_selections=len(PALETTE),
    placeholder=t("Choose runs"),
    key="compared",
)
st.query_params["runs"] = ",".join(chosen)
st.session_state["compared in the address"] = chosen
if len(chosen) < 2:
    st.info(t("Choose at least two runs."), icon=":material/compare_arrows:")
    st.stop()
with say_errors():
    comparison_view(runs, chosen)
