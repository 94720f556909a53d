"""Ticks of a page that the visitor has left do not bring it back."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession

from kobert_demo.ui.page_switch import drop_late_ticks


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ClientState | None]]:
    """What reaches Streamlit of all that browsers ask for."""
    seen: list[ClientState | None] = []
    monkeypatch.setattr(AppSession, "request_rerun", lambda _session, state: seen.append(state))
    drop_late_ticks.cache_clear()
    drop_late_ticks()
    drop_late_ticks()
    yield seen
    drop_late_ticks.cache_clear()


def test_only_ticks_of_another_page_are_dropped(asked: list[ClientState | None]) -> None:
    session = SimpleNamespace(_pages_manager=SimpleNamespace(current_page_script_hash="new"))
    late = ClientState(page_script_hash="old", is_auto_rerun=True, fragment_id="f")
    tick = ClientState(page_script_hash="new", is_auto_rerun=True, fragment_id="f")
    click = ClientState(page_script_hash="old")
    for state in (late, tick, click, None):
        AppSession.request_rerun(session, state)  # type: ignore[arg-type]
    assert asked == [tick, click, None]
