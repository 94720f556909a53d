"""What speaks for a label and what against it; computed when it is looked at, cancelled by any click."""

from typing import TYPE_CHECKING

import streamlit as st

from kobert_demo.attribution_charts import paired_bars
from kobert_demo.offsets import Span
from kobert_demo.ui.classifiers import Looked, load_exact, reading
from kobert_demo.ui.coloured_sentence import coloured_sentence, strength_look
from kobert_demo.ui.session import t

if TYPE_CHECKING:
    from kobert_demo.attribution import Attribution

MOST_KEPT = 20  # attributions in a session
MOST_BARS = 40


def attribution_view(looked: Looked) -> None:
    """Show the sentence coloured by what each piece adds to a label, and two ways of measuring it."""
    text, labels = looked.prediction.text, list(looked.prediction.probabilities)
    label = st.selectbox(
        t("Which label to explain"),
        labels,
        index=labels.index(looked.prediction.label),
        key=f"explained {hash((looked.model, text))}",
    )
    where, found = reading(looked.model, text), attributed(looked.model, text, label)
    if not found.words:
        st.info(t("The model read nothing of this sentence."), icon=":material/visibility_off:")
        return
    largest = float(abs(found.pieces).max())

    def value(span: Span) -> float:
        return float(sum(found.pieces[piece] for piece in span.pieces if piece <= where.kept))

    st.caption(
        t(
            "Blue speaks for the label, red against it, the stronger the more. Measured in the label's "
            "logit, from a sentence of [PAD] pieces to this one."
        )
    )
    st.html(
        coloured_sentence(
            where,
            lambda span: strength_look(value(span), largest),
            lambda span: f"{value(span):+.4f}",
        )
    )
    _say_how_far_to_trust(found)
    _bars(found, {number: where.word(number) for number in found.words})


def attributed(model: str, text: str, label: str) -> "Attribution":
    """Return an attribution, computed unless this visitor has it; a click in the meantime ends the work."""
    kept: dict[tuple[str, str, str], Attribution] = st.session_state.setdefault("attributions", {})
    key = (model, text, label)
    if key not in kept:
        from kobert_demo.attribution import attribute  # imports captum

        place = st.empty()
        with place.container(horizontal=True, vertical_alignment="center"):
            bar = st.progress(0.0, text=t("Attributing …"))
            st.button(
                t("Cancel"), icon=":material/close:", key=f"cancel {hash(key)}", on_click=_back
            )

        def progress(share: float) -> None:  # Streamlit ends the script here after a click
            bar.progress(share, t("Attributing …"))

        found = attribute(load_exact(model), text, label, progress)
        place.empty()
        while len(kept) >= MOST_KEPT:
            del kept[next(iter(kept))]
        kept[key] = found
    return kept[key]


def _back() -> None:
    st.session_state.update({"look": "pieces", "attribution column": False})


def _say_how_far_to_trust(found: "Attribution") -> None:
    gap, steps, agreement = st.columns(3)
    gap.metric(
        t("Completeness gap"),
        f"{found.gap:.2%}",
        help=t(
            "How far the sum of the attributions is from the change of the logit, {change}; steps are "
            "doubled until it is under 5 %.",
            change=f"{found.change:+.3f}",
        ),
    )
    steps.metric(t("Steps of the integral"), found.steps)
    agreement.metric(
        t("Agreement of the two ways"),
        "–" if found.agreement is None else f"{found.agreement:+.2f}",
        help=t(
            "Spearman's rank correlation over the 어절: 1 is the same order, 0 none in common. It takes "
            "three 어절."
        ),
    )


def _bars(found: "Attribution", words: dict[int, str]) -> None:
    shown = list(found.words)
    if len(shown) > MOST_BARS:
        ranked = sorted(shown, key=lambda word: -abs(found.words[word]))[:MOST_BARS]
        shown = sorted(ranked)
        st.caption(t("The {most} strongest 어절 are drawn.", most=MOST_BARS))
    st.plotly_chart(
        paired_bars(
            [words[word] for word in shown],
            {
                t("Integrated gradients"): [found.words[word] for word in shown],
                t("Leaving it out"): [found.without[word] for word in shown],
            },
        ),
        config={"displayModeBar": False},
        alt=t("What each 어절 adds to the label"),
    )
