"""Which set of sentences: chosen, edited, brought from a file, taken away."""

import pandas as pd
import streamlit as st

from kobert_demo.dataset import keep_upload
from kobert_demo.sentence_sets import BUILT_IN, Case, SentenceSet, SentenceSets, as_tsv, read_cases
from kobert_demo.ui.elements import choose_in_address, say_errors
from kobert_demo.ui.session import t, workspace

LARGEST_SET = 5  # MB


def choose_set(sets: SentenceSets) -> SentenceSet:
    """Show the sets and a way to a new one; return which was chosen."""
    all_sets = {each.id: each for each in sets.list()}
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    with left:
        chosen = choose_in_address(
            t("Set of sentences"), list(all_sets), "set", lambda id: all_sets[id].name
        )
    with right:
        _new_set(sets, all_sets[chosen])
    return all_sets[chosen]


def _new_set(sets: SentenceSets, shown: SentenceSet) -> None:
    with st.popover(t("New set"), icon=":material/add:", width="stretch"):
        name = st.text_input(t("Name"), max_chars=60, key="new set name")
        file = st.file_uploader(
            t("From a file (optional)"),
            key="new set file",
            max_upload_size=LARGEST_SET,
            help=t(
                "A sentence and the expected emotion on each line. Without a file, the new set begins "
                "as a copy of the one that is shown."
            ),
        )
        if st.button(t("Create"), type="primary", key="create set"):
            with say_errors():
                cases, lacking = shown.cases, 0
                if file:
                    cases, lacking = read_cases(keep_upload(file.getbuffer(), workspace()))
                st.query_params["set"] = sets.add(name, cases)
            if lacking:
                st.session_state["set said"] = t(
                    "{count} rows without a sentence or an emotion were left out.", count=lacking
                )
            st.rerun()


def edit_set(sets: SentenceSets, shown: SentenceSet) -> None:
    """Let the person change the sentences of a set, take them away, or remove the set."""
    if said := st.session_state.pop("set said", None):
        st.info(said, icon=":material/rule:")
    version = st.session_state.setdefault("set version", 0)  # another one begins the editor anew
    count = t("{count} sentences", count=len(shown.cases))
    label = f"{t('Sentences and expected emotions')} · {count}"
    with st.expander(label, icon=":material/edit:", key="set sentences"):
        frame = pd.DataFrame(
            {
                "text": [case.text for case in shown.cases],
                "expected": [case.expected for case in shown.cases],
            },
            dtype="str",
        )
        edited = st.data_editor(
            frame,
            num_rows="dynamic",
            hide_index=True,
            height=380,
            column_config={
                "text": st.column_config.TextColumn(t("Sentence"), width="large", max_chars=2_000),
                "expected": st.column_config.TextColumn(t("Expected"), max_chars=100),
            },
            key=f"set editor {shown.id} {version}",
        )
        with st.container(horizontal=True):
            if st.button(t("Save"), type="primary", icon=":material/save:", key="save set"):
                with say_errors():
                    sets.save(shown.id, _cases(edited))
                st.session_state["set version"] = version + 1
                st.rerun()
            st.download_button(
                t("Export as TSV"),
                as_tsv(shown.cases),
                f"sentences-{shown.id}.tsv",
                "text/tab-separated-values",
                icon=":material/download:",
                on_click="ignore",
                key="export set",
            )
            _remove(sets, shown)


def _cases(edited: pd.DataFrame) -> list[Case]:
    """Return the rows in which both cells are filled; half-filled ones are said."""
    rows = [
        (str(text).strip(), str(expected).strip())
        for text, expected in edited.fillna("").itertuples(index=False, name=None)
    ]
    if half := sum(bool(text) != bool(expected) for text, expected in rows):
        st.session_state["set said"] = t(
            "{count} rows without a sentence or an emotion were left out.", count=half
        )
    return [Case(text, expected) for text, expected in rows if text and expected]


def _remove(sets: SentenceSets, shown: SentenceSet) -> None:
    if shown.id in BUILT_IN and not shown.edited:
        return
    label = t("Back to the original") if shown.id in BUILT_IN else t("Delete")
    with st.popover(label, icon=":material/delete:"):
        st.markdown(
            t("Your changes to these sentences are lost.")
            if shown.id in BUILT_IN
            else t("The set and its results are removed for good.")
        )
        if st.button(t("Delete for good"), key="delete set"):
            with say_errors():
                sets.delete(shown.id)
            st.session_state["set version"] += 1
            if shown.id not in BUILT_IN:
                st.query_params.pop("set", None)
                st.session_state.pop("set", None)
            st.rerun()
