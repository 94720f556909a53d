"""A coloured sentence whose parts can be clicked, or reached with the keyboard."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import streamlit as st

from kobert_demo.offsets import Reading, Span
from kobert_demo.ui.coloured_sentence import CUT, shown_until

Part = tuple[int, int]  # its characters in the typed text


class Piece(TypedDict):
    """Some characters and the CSS they are shown with."""

    text: str
    look: str


class Segment(TypedDict):
    """A part by its number, or what stands between two parts."""

    part: int | None
    pieces: list[Piece]


_mount = st.components.v2.component(
    "kobert_clickable_sentence",
    css=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def clickable_sentence(
    key: str,
    label: str,
    segments: Sequence[Segment],
    chosen: int | None,
    on_click: Callable[[int], None],
) -> None:
    """Show the segments; a click on a part calls `on_click` with its number, before the next run.

    Args:
        label: what the parts are for, said to who cannot see them.
        chosen: the part that is marked.
    """

    def clicked() -> None:
        on_click(int(st.session_state[key].chosen))

    data = {"label": label, "segments": segments, "chosen": chosen}
    _mount(key=key, data=data, on_chosen_change=clicked)


def segments_of(reading: Reading, parts: Sequence[Part], looks: Mapping[int, str]) -> list[Segment]:
    """Return the sentence as far as it is shown: its text is exactly what was typed.

    Args:
        parts: in the order of the text, never overlapping.
        looks: CSS of each piece that was read, by its position.
    """
    segments: list[Segment] = []
    after, end = 0, shown_until(reading)
    for number, (start, stop) in enumerate(parts):
        segments += _segment(reading, (after, start), None, looks)
        segments += _segment(reading, (start, min(stop, end)), number, looks)
        after = stop
    return segments + _segment(reading, (after, end), None, looks)


def _start(span: Span) -> int:
    return span.start


def _segment(
    reading: Reading, within: Part, part: int | None, looks: Mapping[int, str]
) -> list[Segment]:
    """Return one segment, cut where a piece begins or ends; none where it has no characters."""
    after, end = within
    pieces: list[Piece] = []
    first, last = (bisect_left(reading.spans, place, key=_start) for place in within)
    for span in reading.spans[first:last]:
        stop = min(span.end, end)
        pieces.append({"text": reading.text[after : span.start], "look": ""})
        typed = reading.text[span.start : stop]
        pieces.append({"text": typed, "look": looks.get(span.pieces[0], CUT)})
        after = stop
    pieces.append({"text": reading.text[after:end], "look": ""})
    shown = [piece for piece in pieces if piece["text"]]
    return [{"part": part, "pieces": shown}] if shown else []
