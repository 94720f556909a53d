"""A word when a run has ended: said once, to whoever was there before, whatever comes between."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from kobert_demo.runs import Runs
from kobert_demo.ui.elements import plain
from tests.test_runs_page import add, waiting
from tests.test_store import evaluation


@pytest.fixture
def runs(workspace: Path) -> Runs:
    return Runs(workspace)


@pytest.fixture
def app(workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    """What stands beside all pages; AppTest runs the app's own ones without streamlit_app.py."""
    monkeypatch.setenv("KOBERT_DEMO_WORKSPACE", str(workspace))
    script = tmp_path / "app.py"
    script.write_text("from kobert_demo.ui.notices import tell_ends\ntell_ends()\n")
    app = AppTest.from_file(script)
    app.session_state["lang"] = "en"
    return app


def test_a_word_is_said_when_a_run_has_ended(app: AppTest, runs: Runs) -> None:
    with waiting(runs, "**a**"), waiting(runs, "gone"):
        assert not app.run().toast
        runs.store.claim("**a**", "cpu")
        runs.store.add_evaluation("**a**", evaluation(4, 0.5))
        assert not app.run().toast
        runs.store.end("**a**", "finished")
        runs.store.end("gone", "stopped")
        runs.delete("gone")
        (toast,) = app.run().toast
        assert toast.value == f"**{plain('**a**')}** · Finished · macro-F1 0.500"
        assert not app.run().toast


def test_a_word_that_another_drawing_overtook_is_said_in_that_one(
    app: AppTest, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    toast, overtaken = st.toast, []

    def overtake_once(*args: object, **looks: object) -> None:
        if not overtaken:
            overtaken.append(args)
            st.rerun()  # as Streamlit does where the page asks to be drawn anew meanwhile
        toast(*args, **looks)

    with waiting(runs, "a"):
        app.run()
        runs.store.claim("a", "cpu")
        runs.store.end("a", "stopped")
        monkeypatch.setattr(st, "toast", overtake_once)
        assert len(app.run().toast) == len(overtaken) == 1
        assert not app.run().toast


def test_what_ended_before_the_visit_is_not_told(app: AppTest, runs: Runs) -> None:
    add(runs.store, "a")
    assert not app.run().toast
