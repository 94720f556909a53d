"""The README is true: it names every file, and its commands are there."""

import re
from pathlib import Path

import pytest

from kobert_demo.processes import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")
FILES = sorted(
    path.relative_to(PROJECT)
    for folder in ("kobert_demo", "pages", "benchmarks")
    for path in (PROJECT / folder).rglob("*.py")
    if path.name != "__init__.py"
)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_file_has_its_line(path: Path) -> None:
    told = str(path).removeprefix("kobert_demo/")
    assert re.search(rf"(^|[ ,]){re.escape(told)}\b", README, re.MULTILINE), told


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert len(pictures) >= 4
    for picture in pictures:
        assert (PROJECT / picture).is_file(), picture


def test_every_verb_is_told() -> None:
    for verb in (
        *("check", "train", "classify", "encode", "evaluate"),
        *("runs", "watch", "history", "stop", "verify", "import", "export"),
    ):
        assert f"python -m kobert_demo {verb}" in README
    assert "`delete ID`" in README


def test_the_make_targets_are_there() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for target in ("run", "test"):
        assert f"make {target}" in README
        assert f"\n{target}:" in makefile
