"""What was proven of a model, as a badge and as a list."""

import pandas as pd
import streamlit as st

from kobert_demo.ui.session import language, t
from kobert_demo.verify import Verdict


def verdict_view(verdict: Verdict) -> None:
    """Show a badge that says it in a word, and behind it every check with its answer."""
    with st.popover(_word(verdict), type="tertiary"):
        st.caption(
            t(
                "The wrong vocabulary or the wrong weights train without an error. These checks compare "
                "the model with what its makers published."
            )
        )
        spoken = language()
        frame = pd.DataFrame(
            {
                t("Check"): [check.name.in_language(spoken) for check in verdict.checks],
                t("Passed"): [check.passed for check in verdict.checks],
                t("Answer"): [check.answer.in_language(spoken) for check in verdict.checks],
            }
        )
        st.table(frame.replace({t("Passed"): {True: "✓", False: "✗"}}), hide_index=True)
    if verdict.kobert is False:
        st.warning(
            t(
                "This is not KoBERT as its makers published it: see the checks. It can be trained, but do "
                "not expect KoBERT's results."
            ),
            icon=":material/gpp_maybe:",
        )


def _word(verdict: Verdict) -> str:
    if verdict.kobert is False:
        return t(":red-badge[:material/gpp_maybe: Not KoBERT]")
    if not verdict.passed:
        return t(":red-badge[:material/gpp_maybe: Failed its checks]")
    if verdict.kobert:
        return t(":green-badge[:material/verified: KoBERT, proven]")
    return t(":blue-badge[:material/check: Checked]")
