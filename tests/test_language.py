"""Two languages: every sentence of the code has its Korean, and no Korean is left over."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from kobert_demo import errors
from kobert_demo.language import CATALOG, Message, duration, korean, language_of, translate

PROJECT = Path(__file__).parents[1]
SOURCES = [
    PROJECT / "streamlit_app.py",
    *sorted((PROJECT / "kobert_demo").rglob("*.py")),
    *sorted((PROJECT / "pages").glob("*.py")),
]
SPEAKING = {"t", "translate", "Message"} | {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.KobertDemoError)
}


def constants(node: ast.expr) -> Iterator[str]:
    """Yield the sentences that an argument may be: itself, or either side of an `if`."""
    if isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def sentences(path: Path) -> Iterator[tuple[str, str]]:
    """Yield every sentence that `path` says, with the place where it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name in SPEAKING:
            place = f"{path.relative_to(PROJECT)}:{node.lineno}"
            assert not isinstance(node.args[0], ast.JoinedStr), f"{place}: give values by name"
            for text in constants(node.args[0]):
                yield text, place


def spoken() -> dict[str, str]:
    return {text: place for path in SOURCES for text, place in sentences(path)}


def places(text: str) -> set[tuple[str, str | None]]:
    """Return the named places of a format string, each with its format."""
    return {(name, spec) for _, name, spec, _ in Formatter().parse(text) if name is not None}


def test_every_sentence_has_its_korean() -> None:
    missing = {place: text for text, place in spoken().items() if text not in korean()}
    assert missing == {}


def test_no_korean_is_left_over() -> None:
    assert sorted(korean().keys() - spoken().keys()) == []


def test_the_korean_fills_the_same_places() -> None:
    differing = [text for text, said in korean().items() if places(text) != places(said)]
    assert differing == []


def test_no_korean_is_empty_and_none_is_given_twice_in_different_words() -> None:
    said: dict[str, str] = {}
    for path in sorted(CATALOG.glob("*.json")):
        for text, sentence in json.loads(path.read_text(encoding="utf-8")).items():
            assert sentence.strip(), f"{path.name}: {text}"
            assert said.setdefault(text, sentence) == sentence, f"{path.name}: {text}"


def test_a_message_is_said_in_the_listeners_language_with_all_it_holds() -> None:
    message = Message("{seconds} s", {"seconds": Message("Queued")})
    assert message.in_language("ko") == "대기 중초"
    assert str(message) == "Queued s"


def test_values_are_shown_as_they_are() -> None:
    assert translate("{seconds} s", "ko", seconds="{hours} <b>") == "{hours} <b>초"


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("ko", "ko"),
        ("ko-KR", "ko"),
        ("ko_KR.UTF-8", "ko"),
        ("en-US", "en"),
        ("ja", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_language_of_a_locale(locale: str | None, language: str) -> None:
    assert language_of(locale) == language


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (3.14, "3.1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3600, "1 h 0 min"),
        (90_061, "25 h 1 min"),
    ],
)
def test_durations_have_their_two_largest_units(seconds: float, said: str) -> None:
    assert duration(seconds, "en") == said
