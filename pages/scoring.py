"""Score a file: every sentence gets a label, a confidence and the probability of each class."""

import streamlit as st

from kobert_demo.errors import DataError
from kobert_demo.runs import Runs
from kobert_demo.ui.classifier_choice import choose_classifier, loaded_by, trained_runs
from kobert_demo.ui.elements import page_header, say_errors
from kobert_demo.ui.scoring_form import scoring_form
from kobert_demo.ui.scoring_view import job_list, job_view, scoring_jobs
from kobert_demo.ui.session import t, workspace

page_header(
    t("Score a file"),
    t("Every sentence of a file gets a label, a confidence and the probability of each class."),
    "playlist_add_check",
)
runs, jobs = Runs(workspace()), scoring_jobs()
with say_errors():
    trained = trained_runs(runs)
shown, asked = None, st.query_params.get("job")
if asked:
    try:
        shown = jobs.get(asked)
    except DataError:
        st.warning(t("That scored file is not here any more."), icon=":material/link_off:")
        del st.query_params["job"]
if shown:
    job_view(shown, trained)
    if st.button(t("Score another file"), icon=":material/add:", key="another"):
        del st.query_params["job"]
        st.rerun()
else:
    with say_errors():
        classifier = choose_classifier(trained)
        order = scoring_form(classifier, loaded_by(runs, trained, classifier))
        if order:
            st.query_params["job"] = jobs.start(order)
            st.rerun()
job_list(jobs.list(), shown and shown.id)
