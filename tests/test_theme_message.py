"""The theme that a browser is told is Streamlit's own, made once."""

from collections.abc import Iterator
from unittest.mock import Mock

import pytest
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

from kobert_demo.ui.theme_message import keep_theme

STREAMLITS = app_session._populate_theme_msg  # the app of a test before changes it
COLOURS = {
    "primaryColor": "#3555b5",
    "baseRadius": "0.5rem",
    "chartCategoricalColors": ["#abc"] * 10,
}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mock]:
    """Streamlit's look-up of a section of the settings; `theme.dark` has some of its own."""
    of_section = Mock(side_effect=lambda name: {**COLOURS, "primaryColor": f"#{len(name):06}"})
    monkeypatch.setattr(app_session.config, "get_options_for_section", of_section)
    monkeypatch.setattr(app_session, "_populate_theme_msg", STREAMLITS)
    keep_theme.cache_clear()
    yield of_section
    keep_theme.cache_clear()


def told() -> CustomThemeConfig:
    """Return the theme as a session tells it."""
    theme = CustomThemeConfig()
    app_session._populate_theme_msg(theme)
    app_session._populate_theme_msg(theme.dark, "theme.dark")
    return theme


def test_every_session_is_told_what_streamlit_makes_of_the_settings(settings: Mock) -> None:
    own = told()
    assert (own.primary_color, own.dark.primary_color) == ("#000005", "#000010")
    keep_theme()
    assert told() == own
    assert told() == own
    assert settings.call_count == 4  # twice by Streamlit alone, twice to keep


def test_what_one_session_does_to_its_theme_reaches_no_other(settings: Mock) -> None:
    keep_theme()
    told().dark.primary_color = "#ffffff"
    assert told().dark.primary_color == "#000010"
