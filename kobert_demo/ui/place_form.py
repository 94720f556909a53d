"""Where a new run trains: on this machine, by one process or several, or on a Ray cluster."""

import os

import streamlit as st

from kobert_demo.place import HERE, Place
from kobert_demo.ray_cluster import ADDRESS, cluster_address
from kobert_demo.storage import whole_url
from kobert_demo.ui.model_choice import device
from kobert_demo.ui.session import t

MOST_WORKERS = 1024


def choose_place() -> Place:
    """Ask where to train, and for what that takes.

    Raises:
        ConfigError: there is no address of a cluster, or nobody knows such a storage.
    """
    names = {"here": t("This machine"), "ray": t("Ray cluster")}
    on = st.segmented_control(
        t("Run on"),
        list(names),
        format_func=names.__getitem__,
        default="here",
        required=True,
        key="run on",
        persist_state="session",
    )
    return _choose_cluster() if on == "ray" else _choose_processes()


def _choose_processes() -> Place:
    """Ask how many processes share a run, where there may be several."""
    found = device()
    if found.count == 1:
        return HERE
    if found.kind == "cpu":
        effect = t(
            "How many processes share each batch. On a CPU one is as quick; what is learned stays the same."
        )
    else:
        effect = t(
            "How many GPUs share each batch, a process on each. What is learned stays the same."
        )
    counts = range(1, found.count + 1)
    label = t("Processes") if found.kind == "cpu" else t("GPUs")
    processes = st.selectbox(
        label, counts, key="processes", help=effect, persist_state="session", width=200
    )
    return Place(processes)


def _choose_cluster() -> Place:
    st.session_state.setdefault("ray address", os.environ.get(ADDRESS, ""))
    address = st.text_input(
        t("Address"), key="ray address", placeholder="10.0.0.1:6379", persist_state="session"
    )
    left, right = st.columns(2)
    workers = left.number_input(
        t("Workers"),
        *(1, MOST_WORKERS),
        key="ray workers",
        help=t("How many share each batch. What is learned stays the same."),
        persist_state="session",
    )
    gpus = right.selectbox(
        t("GPUs of each worker"),
        (0, 1),
        key="ray gpus",
        help=t("0 trains on the processors of the cluster."),
        persist_state="session",
    )
    storage = st.text_input(
        t("Second place for checkpoints and models"),
        key="storage",
        placeholder="s3://bucket/path",
        help=t(
            "A directory, or a URL that fsspec knows. They are kept on this machine in any case; what "
            "lies there stays when the run is deleted."
        ),
        persist_state="session",
    )
    waits = st.checkbox(
        t("Wait where the cluster is away or full"),
        value=True,
        key="ray waits",
        help=t("Otherwise the run fails."),
        persist_state="session",
    )
    return Place(int(workers), cluster_address(address), gpus, whole_url(storage), waits)
