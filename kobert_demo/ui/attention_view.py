"""Where the heads look: one of them, all at a glance, and what passes through all layers."""

import streamlit as st

from kobert_demo.attention_charts import head_grid, heat_map
from kobert_demo.language import Message
from kobert_demo.ui.classifiers import Looked, attention_of
from kobert_demo.ui.session import language, t

VIEWS = {
    "one": Message("One head"),
    "all": Message("All heads"),
    "rollout": Message("Rollout"),
}
MEAN = 0  # in the place of a head's number: the mean of all


def attention_view(looked: Looked) -> None:
    """Show the attention of the sentence that is looked at."""
    st.warning(
        t(
            "Attention is not an explanation: it shows where the heads look, not what decided the answer. "
            "For that, see the attribution."
        ),
        icon=":material/info:",
    )
    with st.spinner(t("Looking at the heads …")):
        found = attention_of(looked.model, looked.prediction.text)
    view = st.segmented_control(
        t("View"),
        VIEWS,
        format_func=lambda name: VIEWS[name].in_language(language()),
        default="one",
        required=True,
        key="attention view",
        label_visibility="collapsed",
    )
    axes = {"x_title": t("is looked at"), "y_title": t("looks")}
    distances = found.mean_distance()
    if view == "one":
        left, right = st.columns(2)
        layer = left.selectbox(t("Layer"), range(1, found.layers + 1), index=found.layers - 1)
        head = right.selectbox(
            t("Head"),
            range(found.heads + 1),
            format_func=lambda number: str(number) if number else t("The mean of all heads"),
        )
        heads = slice(None) if head == MEAN else slice(head - 1, head)
        figure = heat_map(found.weights[layer - 1, heads].mean(0), found.tokens, **axes)
        st.caption(
            t(
                "It looks {distance} pieces away on average. Padding is masked and gets {padding}.",
                distance=f"{distances[layer - 1, heads].mean():.1f}",
                padding=f"{found.on_padding:g}",
            )
        )
    elif view == "all":
        figure = head_grid(found.weights, distances, layer=t("Layer"), head=t("Head"))
        st.caption(
            t(
                "Each head on a scale of its own, [CLS] at its top left. Point at one to see how many "
                "pieces away it looks on average."
            )
        )
    else:
        figure = heat_map(found.rollout(), found.tokens, **axes)
        st.caption(
            t(
                "How much of each piece reaches each other one through all layers, the mean of the heads "
                "and the residual connection (Abnar and Zuidema 2020). The row of [CLS] is what the "
                "classifier reads."
            )
        )
    st.plotly_chart(figure, config={"displayModeBar": False}, alt=t("Where the heads look"))
