"""Figures from rows."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from kobert_demo.charts import (
    PALETTE,
    label_colours,
    label_counts,
    length_histogram,
    percent,
    probability_bars,
)

EMOTIONS = ["공포", "놀람", "분노", "슬픔", "중립", "행복", "혐오"]
# How the colour-blind see linear RGB (Machado et al. 2009, full severity).
EYES = {
    "normal": np.eye(3),
    "protan": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deutan": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
    "tritan": np.array([[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]),
}
CONE_FROM_RGB = np.array(
    [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
)
OKLAB_FROM_CONE = np.array(
    [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
)


def linear(colour: str) -> np.ndarray:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    light, dark = sorted(
        (float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def theme() -> dict:
    path = Path(__file__).parents[1] / ".streamlit" / "config.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))["theme"]


@pytest.mark.parametrize("eyes", EYES)
def test_any_two_colours_can_be_told_apart(eyes: str) -> None:
    seen = np.clip([linear(colour) @ EYES[eyes].T for colour in PALETTE], 0, 1)
    lab = np.cbrt(seen @ CONE_FROM_RGB.T) @ OKLAB_FROM_CONE.T
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + np.eye(len(PALETTE))
    assert distances.min() > 0.07


def test_colours_show_on_the_light_and_the_dark_page() -> None:
    for colour in PALETTE:
        assert contrast(colour, theme()["light"]["backgroundColor"]) > 2.3
        assert contrast(colour, theme()["dark"]["backgroundColor"]) > 2.9


def test_the_theme_draws_with_the_same_ten_colours() -> None:
    assert tuple(theme()["chartCategoricalColors"]) == PALETTE
    assert len(set(PALETTE)) == 10


def test_an_emotion_keeps_its_colour_among_any_others() -> None:
    alone = label_colours(EMOTIONS)
    assert len(set(alone.values())) == 7
    for labels in (EMOTIONS[::-1], ["기타", "분노", "0"], ["분노"]):
        assert label_colours(labels)["분노"] == alone["분노"]
    mixed = label_colours([*EMOTIONS, "사랑", "0", "1"])
    assert len(set(mixed.values())) == 10


def test_labels_keep_their_colours_where_only_some_are_shown() -> None:
    labels = [str(number) for number in range(30)]
    colours = label_colours(labels)
    figure = label_counts({"7": 3, "23": 1}, colours)
    assert list(figure.data[0].marker.color) == [colours["7"], colours["23"]]


def test_more_than_ten_labels_get_a_colour_each() -> None:
    colours = label_colours([str(number) for number in range(43)])
    assert len(colours) == 43
    assert set(colours.values()) == set(PALETTE)


def test_counts_stand_behind_the_bars_in_the_given_order() -> None:
    figure = label_counts({"행복": 6037, "0": 2})
    assert list(figure.data[0].text) == ["6,037", "2"]
    assert list(figure.layout.yaxis.ticktext) == ["행복", "0"]
    assert figure.layout.yaxis.autorange == "reversed"


def test_labels_with_tags_are_shown_not_drawn() -> None:
    figure = label_counts({"<a href='https://evil.example'>x</a>": 3, "&": 1})
    drawn = figure.to_json()
    assert "<a" not in drawn
    assert list(figure.layout.yaxis.ticktext)[1] == "&amp;"
    assert "<b>" not in probability_bars({"<b>": 1.0}).to_json()


def test_labels_alike_at_the_beginning_keep_a_bar_each() -> None:
    long = "아주 긴 라벨 이름이 여기에 있습니다 정말로 "
    figure = label_counts({long + "하나": 1, long + "둘": 2})
    assert list(figure.data[0].x) == [1, 2]
    assert len(set(figure.data[0].y)) == 2


def test_probabilities_stand_by_size_with_their_own_colours() -> None:
    figure = probability_bars({"공포": 0.0001, "행복": 0.93, "중립": 0.0699})
    assert list(figure.layout.yaxis.ticktext) == ["행복", "중립", "공포"]
    assert list(figure.data[0].text) == ["93.0%", "7.0%", "&lt;0.1%"]
    assert figure.data[0].marker.color[0] == label_colours(EMOTIONS)["행복"]


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0%"), (0.0004, "<0.1%"), (0.056, "5.6%"), (1, "100.0%")]
)
def test_shares_have_sensible_digits(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize("max_length", [8, 64, 65, 512])
@pytest.mark.parametrize("longest", [5, 64, 400, 3000])
def test_the_histogram_counts_every_sentence_on_its_side_of_the_limit(
    max_length: int, longest: int
) -> None:
    lengths = np.arange(longest + 1)
    figure = length_histogram(lengths, max_length, x_title="x", y_title="y", limit_title="l")
    bars = figure.data[0]
    cut = [c != bars.marker.color[0] for c in bars.marker.color]
    assert sum(bars.y) == lengths.sum()
    assert sum(np.array(bars.y)[cut]) == lengths[max_length + 1 :].sum()
    assert len(bars.y) < 80


def test_charts_leave_background_and_text_colour_to_the_theme() -> None:
    figure = length_histogram(np.array([0, 3]), 64, x_title="x", y_title="y", limit_title="l")
    for one in (figure, label_counts({"a": 1}), probability_bars({"a": 1.0})):
        assert one.layout.paper_bgcolor == one.layout.plot_bgcolor == "rgba(0,0,0,0)"
        assert one.layout.font.color is None
        assert "Pretendard" in one.layout.font.family
