"""How far confidence can be taken at its word, and the button that makes it honest."""

import streamlit as st

from kobert_demo.evaluation.summary import Summary
from kobert_demo.evaluation_charts import reliability_diagram
from kobert_demo.scaling import Fit
from kobert_demo.ui.elements import say_errors
from kobert_demo.ui.evaluation_source import Subject, rescale
from kobert_demo.ui.session import t

MOST_LEAKED = 0.05  # share of trained sentences past which a temperature would be a lie


def calibration_view(subject: Subject, summary: Summary) -> None:
    """Show the reliability diagram, the error before and after, and offer to scale."""
    honest, scaled = summary.honesty, summary.scored.temperature != 1
    before = t("Without a temperature")
    after = t("With the temperature") if scaled else t("With a fitted temperature")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.plotly_chart(
            reliability_diagram(
                {before: honest.before, after: honest.after},
                x_title=t("Confidence"),
                y_title=t("Share of right answers"),
            ),
            config={"displayModeBar": False},
            alt=t("Reliability diagram"),
        )
    with right:
        with st.container(horizontal=True):
            for name, curve in ((before, honest.before), (after, honest.after)):
                st.metric(
                    name, f"{curve.error:.3f}", border=True, help=t("Expected calibration error")
                )
        _say_temperature(summary)
        _buttons(subject, summary)


def _say_temperature(summary: Summary) -> None:
    honest, temperature = summary.honesty, summary.scored.temperature
    if temperature != 1:
        st.markdown(
            t(
                "This model has the temperature **{temperature}**: it is stored in its bundle, and every "
                "probability has it.",
                temperature=f"{temperature:.3g}",
            )
        )
    st.caption(
        t(
            "The error with the temperature is cross-fitted: each tenth of the sentences is judged with "
            "the temperature that fits the other nine."
        )
        if honest.cross_fitted
        else t("The temperature was fitted on other sentences than these.")
    )


def _buttons(subject: Subject, summary: Summary) -> None:
    honest, of = summary.honesty, summary.scored
    fit = Fit(
        honest.temperature,
        of.data.sha256,
        len(of),
        honest.before.error,
        honest.after.error,
    )
    held_out = subject.leaked <= MOST_LEAKED
    if not held_out:
        st.caption(
            t("A temperature must be fitted on sentences that were not trained on: choose others.")
        )
    with st.container(horizontal=True):
        if not (of.temperature != 1 and honest.cross_fitted) and st.button(
            t(
                "Make confidence honest: temperature {temperature}",
                temperature=f"{honest.temperature:.3g}",
            ),
            type="primary" if of.temperature == 1 else "secondary",
            icon=":material/thermostat:",
            disabled=not held_out,
            key="scale",
        ):
            _change(subject, summary, fit)
        if of.temperature != 1 and st.button(
            t("Take the temperature back"), icon=":material/undo:", key="unscale"
        ):
            _change(subject, summary, None)


def _change(subject: Subject, summary: Summary, fit: Fit | None) -> None:
    with say_errors():
        rescale(subject, summary, fit)
    st.rerun()
