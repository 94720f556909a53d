"""The encoder of a new run: which it is, whether its files are here, and what was proven of it."""

from collections.abc import Callable

import streamlit as st
from huggingface_hub import constants

from kobert_demo.device import Device, may_have_gpu, probe_elsewhere
from kobert_demo.language import Message
from kobert_demo.model_files import (
    ENCODERS,
    built_in_models,
    default_model,
    find_model,
    needs_download,
)
from kobert_demo.preparing import Preparation, Preparations
from kobert_demo.ui.elements import plain
from kobert_demo.ui.session import language, t, workspace
from kobert_demo.ui.verdict_view import verdict_view
from kobert_demo.verify import verdict_of

TICK = 1  # seconds
DEFAULT_SECONDS = 600  # after which it is looked again whether the hub answers


@st.cache_resource(show_spinner=False)
def device() -> Device:
    """Return the processor that a worker will use; asked for once a server."""
    return probe_elsewhere()


@st.cache_resource(show_spinner=False)
def preparations() -> Preparations:
    """Return the models that are made ready; one for all visitors."""
    return Preparations(workspace())


@st.cache_data(show_spinner=False, ttl=DEFAULT_SECONDS)
def usual_model() -> tuple[str, Message]:
    """Return the model that a form begins with, and why."""
    return default_model(may_have_gpu() and device().kind != "cpu")


def choose_model(key: str, usual: str, on_change: Callable[[], None] | None = None) -> str:
    """Show a box to choose an encoder from, or to type one; `usual` is what it begins with."""
    st.session_state.setdefault(key, usual)
    chosen = st.selectbox(
        t("Model"),
        ENCODERS,
        key=key,
        accept_new_options=True,
        persist_state="session",
        on_change=on_change,
        help=t(
            "mini is built in. Others come from the Hugging Face hub by their names, such as "
            "skt/kobert-base-v1, or from a directory: type its path."
        ),
    )
    return chosen or usual


def model_is_here(name: str) -> bool:
    """Say whether a model's files are here; if not, offer to download them and show how far they are.

    What is here for the first time is checked in a process of its own, and what was found is shown.

    Raises:
        ModelError: there is no such model.
    """
    if name in built_in_models():  # a worker looks at it when it is first trained
        if known := verdict_of(find_model(name), workspace()):
            verdict_view(known)
        return True
    state = preparations().state(name)
    if state and state.active:
        st.fragment(_progress, run_every=TICK)(name)
        return state.stage == "checking"
    if needs_download(name):
        _offer(name, state)
        return False
    verdict = verdict_of(find_model(name), workspace())
    if verdict:
        verdict_view(verdict)
    elif state and state.stage == "failed":
        _say_failure(name, state, t("Check again"))
        return False
    else:
        _start(name)
    return True


def _offer(name: str, state: Preparation | None) -> None:
    if state and state.stage == "failed":
        _say_failure(name, state, t("Download again"))
        return
    with st.container(border=True):
        st.markdown(
            t(
                "**{name}** is not on this machine yet. Its files are downloaded once.",
                name=plain(name),
            )
        )
        st.caption(
            t(
                "From {address} to {folder}. Without a network, copy the model's folder here and type "
                "its path instead.",
                address=plain(constants.ENDPOINT),
                folder=plain(constants.HF_HUB_CACHE),
            )
        )
        if st.button(t("Download"), type="primary", icon=":material/download:", key="download"):
            _start(name)


def _say_failure(name: str, state: Preparation, again: str) -> None:
    if state.error:
        st.error(plain(state.error.in_language(language())), icon=":material/error:")
    if st.button(again, icon=":material/refresh:", key="download"):
        _start(name)


def _start(name: str) -> None:
    preparations().start(name)
    st.rerun()


def _progress(name: str) -> None:
    state = preparations().state(name)
    if state is None or not state.active:
        st.rerun()
    elif state.stage == "checking":
        st.caption(t(":shimmer[Checking whether the model is what it claims to be …]"))
    else:
        done, total = state.done / 1e6, state.total / 1e6
        text = t("Asking the hub …")
        if total:
            text = t(
                "{done} of {total} MB of {name}",
                done=f"{done:,.0f}",
                total=f"{total:,.0f}",
                name=plain(name),
            )
        st.progress(done / total if total else 0.0, text=text)
        if st.button(t("Cancel"), icon=":material/close:", key="cancel download"):
            preparations().stop(name)
            st.rerun()
