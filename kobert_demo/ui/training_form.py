"""The form of a new run: model, settings, device, and what they mean for the time it takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from kobert_demo.config import SETTINGS, TrainingConfig, preset
from kobert_demo.dataset import DataChoice, Dataset, load_choice
from kobert_demo.device import training_seconds
from kobert_demo.errors import ConfigError
from kobert_demo.language import Message, duration
from kobert_demo.model_files import built_in_models, find_model
from kobert_demo.place import Place
from kobert_demo.ui.elements import plain
from kobert_demo.ui.model_choice import choose_model, device, usual_model
from kobert_demo.ui.place_form import choose_place
from kobert_demo.ui.session import language, t, workspace
from kobert_demo.vocabularies import read_vocabulary

FIRST = ("epochs", "batch_size", "learning_rate", "max_length")
STEPS = {"learning_rate": 1e-5, "warmup_ratio": 0.05, "dropout": 0.05, "weight_decay": 0.01}
FORMAT = "%.10g"
SAMPLE = 1_000  # sentences whose length is looked at for the time estimate
EVALUATION_COST = (
    1 / 3
)  # of training, for each sentence: the backward pass costs two forward passes


def training_form() -> tuple[TrainingConfig, Place]:
    """Show the fields of a run and return what they say.

    They begin with the model's preset. Another model brings its own, but for what the person changed.

    Raises:
        ConfigError: numbers are out of their limits, or not whole where they must be.
    """
    with st.spinner(t("Looking for a GPU …")):
        usual, why = usual_model()
    model = choose_model("model", usual, on_change=_fill)
    if model == usual:
        st.caption(why.in_language(language()))
    values = _number_fields(FIRST, beside=4)
    with st.popover(
        t("More settings"), icon=":material/tune:"
    ):  # its fields count while it is shut
        values |= _number_fields([name for name in SETTINGS if name not in FIRST], beside=2)
        place = choose_place()
    return checked(model, values), place


def checked(model: str, values: Mapping[str, float]) -> TrainingConfig:
    """Return the settings with whole numbers as int.

    Raises:
        ConfigError: says every number that is out of its limits or not whole where it must be.
    """
    integers = {name for name in values if isinstance(getattr(TrainingConfig, name), int)}
    broken = {name for name in integers if not float(values[name]).is_integer()}
    settings: dict[str, Any] = {
        name: int(value) if name in integers - broken else value for name, value in values.items()
    }
    problems = [
        Message(
            "{setting} is {value}: give a whole number.",
            {"setting": SETTINGS[name].name, "value": values[name]},
        )
        for name in values
        if name in broken
    ]
    try:
        config = TrainingConfig(model=model, **settings)
    except ConfigError as error:
        problems += error.messages
    if problems:
        first, *others = problems
        raise ConfigError(first.text, also=tuple(others), **first.values)
    return config


def _number_fields(names: Sequence[str], beside: int) -> dict[str, float]:
    """Show a field for each setting, without limits: `checked` says all that is wrong at once.

    (Beyond its limits a field keeps its last number to itself; one of type int cuts 1.5 to 1.)
    """
    columns = st.columns(beside)
    values = {}
    for place, name in enumerate(names):
        setting, default = SETTINGS[name], getattr(_preset(), name)
        st.session_state.setdefault(f"setting_{name}", float(default))
        given = columns[place % beside].number_input(
            setting.name.in_language(language()),
            value=None,
            step=float(STEPS.get(name, 1)),
            format=FORMAT,
            key=f"setting_{name}",
            help=setting.effect.in_language(language()),
            placeholder=str(default),
            persist_state="session",
            on_change=_remember,
            args=(name,),
        )
        values[name] = default if given is None else given
    return values


def _preset() -> TrainingConfig:
    return preset(st.session_state.get("model") or usual_model()[0])


def _remember(name: str) -> None:
    """Note that the person chose this number; an emptied field is the model's own again."""
    changed: set[str] = st.session_state.setdefault("changed settings", set())
    if st.session_state[f"setting_{name}"] is None:
        changed.discard(name)
    else:
        changed.add(name)


def _fill() -> None:
    """Put the chosen model's preset into the fields that the person left alone."""
    changed = st.session_state.get("changed settings", set())
    for name in SETTINGS:
        if name not in changed:
            st.session_state[f"setting_{name}"] = float(getattr(_preset(), name))


@st.cache_resource(show_spinner=False, max_entries=2)
def chosen_data(choice: DataChoice, directory: str) -> tuple[Dataset, Dataset]:
    """Return the training and the test data; read once for all visitors."""
    return load_choice(workspace(), choice)


@st.cache_data(show_spinner=False, max_entries=20)
def mean_length(sha256: str, model: str, max_length: int, _texts: list[str]) -> float:
    """Return the mean number of pieces, [CLS] and [SEP] included, over an even sample."""
    vocabulary = read_vocabulary(find_model(model).vocabulary)
    sample = _texts[:: max(1, len(_texts) // SAMPLE)]
    return float(np.mean([min(max_length, 2 + len(vocabulary.ids(text))) for text in sample]))


def expected_time(config: TrainingConfig, place: Place, train: Dataset, test: Dataset) -> None:
    """Say what will train, about how long it will take here, and where weights are missing."""
    files = find_model(config.model)
    if place.address:
        st.caption(t("Trains on the Ray cluster at {address}.", address=plain(place.address)))
    else:
        _expected_here(config, place, train, test)
    if files.weights is None:
        st.caption(
            t(
                "{model} starts from random weights here, because its own are not there: expect an "
                "accuracy near that of always answering the commonest label.",
                model=plain(config.model),
            )
        )


def _expected_here(config: TrainingConfig, place: Place, train: Dataset, test: Dataset) -> None:
    with st.spinner(t("Looking for a GPU …")):
        found = device()
    kinds = {"cuda": "CUDA", "mps": "Apple MPS", "cpu": "CPU"}
    name = found.name or t("{count} threads", count=found.threads)
    length = mean_length(train.sha256, config.model, config.max_length, train.texts)
    rows = config.epochs * (len(train) + EVALUATION_COST * len(test))
    if found.kind != "cpu":  # whose cores one process takes, too
        rows /= place.processes
    parameters = find_model(config.model).shape.parameters
    seconds = training_seconds(found, parameters, int(rows * length))
    st.caption(
        t(
            "Trains on {device} ({name}). Expected time: about {time}.",
            device=kinds[found.kind],
            name=plain(name),
            time=duration(seconds, language()),
        )
    )
    if found.kind == "cpu" and config.model not in built_in_models():
        st.caption(
            t("No GPU was found: a KoBERT-sized model takes hours here, mini takes minutes.")
        )
