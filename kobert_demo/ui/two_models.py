"""Two classifiers on one sentence: their probabilities, and what speaks for a label in each."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from kobert_demo.attribution_charts import paired_bars
from kobert_demo.ui.attribution_view import attributed
from kobert_demo.ui.classifiers import Looked, load, predict, reading
from kobert_demo.ui.elements import distinct_names, plain
from kobert_demo.ui.session import t

if TYPE_CHECKING:
    from kobert_demo.predictor import Prediction


def two_models(looked: Looked, others: Mapping[str, str], where: Callable[[str], str]) -> None:
    """Let another classifier be chosen; show both answers and what is different.

    Args:
        others: id of each other classifier -> its name.
        where: gives what `load` takes for an id.
    """
    if not others:
        st.info(
            t("There is no second classifier yet: train one, then compare it with this one."),
            icon=":material/compare_arrows:",
        )
        return
    names = distinct_names(list(others), others.__getitem__)
    second = st.selectbox(
        t("Second model"), list(others), format_func=names.__getitem__, key="second model"
    )
    model = where(second)
    text, first = looked.prediction.text, looked.prediction
    (other,) = predict(model, looked.exact, (text,)).predictions
    titles = [f"1 · {looked.name}", f"2 · {names[second]}"]
    labels = list(dict.fromkeys([*first.probabilities, *other.probabilities]))
    labels.sort(key=lambda label: -first.probabilities.get(label, 0))
    st.markdown(
        t("Both say **{label}**.", label=plain(first.label))
        if first.label == other.label
        else t(
            "The first says **{first}**, the second **{second}**.",
            first=plain(first.label),
            second=plain(other.label),
        )
    )
    st.plotly_chart(
        paired_bars(
            labels,
            {
                titles[0]: [first.probabilities.get(label) for label in labels],
                titles[1]: [other.probabilities.get(label) for label in labels],
            },
            share=True,
        ),
        config={"displayModeBar": False},
        alt=t("The probabilities of both models"),
    )
    shared = [label for label in load(model, looked.exact).labels if label in first.probabilities]
    if not shared:
        st.caption(t("They have no label in common."))
        return
    furthest = max(shared, key=lambda each: abs(_difference(first, other, each)))
    st.caption(
        t(
            "The largest difference: {label}, {difference} percentage points.",
            label=plain(furthest),
            difference=f"{100 * _difference(first, other, furthest):+.1f}",
        )
    )
    if st.toggle(t("Compare attributions too"), key="two attributions"):
        label = st.selectbox(
            t("Which label to explain"),
            shared,
            index=shared.index(first.label) if first.label in shared else 0,
            key=f"explained by two {hash((looked.model, model, text))}",
        )
        _attributions(looked.model, model, text, label, titles)


def _attributions(one: str, two: str, text: str, label: str, titles: list[str]) -> None:
    """Show what each 어절 adds to the label in both, found by its place: their pieces may be different."""
    values = []
    for model in (one, two):
        where, found = reading(model, text), attributed(model, text, label)
        values.append({where.words[word]: value for word, value in found.words.items()})
    places = sorted({*values[0], *values[1]})
    if places:
        st.plotly_chart(
            paired_bars(
                [text[slice(*place)] for place in places],
                {
                    title: [each.get(place) for place in places]
                    for title, each in zip(titles, values, strict=True)
                },
            ),
            config={"displayModeBar": False},
            alt=t("What each 어절 adds to the label"),
        )


def _difference(first: "Prediction", other: "Prediction", label: str) -> float:
    return other.probabilities[label] - first.probabilities[label]
