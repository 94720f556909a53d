"""A sentence as it was typed, each piece coloured where it stands."""

import html
from collections.abc import Callable, Sequence

from kobert_demo.offsets import Reading, Span

PIECES = (
    "104,149,244",
    "221,156,66",
    "72,142,44",
    "195,153,208",
)  # red, green, blue; one after the other
UNKNOWN = "216,96,105"
FOR, AGAINST = "104,149,244", "216,96,105"
FAINT, STRONG = 0.3, 0.75  # opacity: text stays readable on light and on dark
UNKNOWN_LOOK = f"background:rgba({UNKNOWN},{FAINT});outline:1px dashed rgb({UNKNOWN});"
SHOWN_CUT = 300  # characters of what was cut
SENTENCE = (
    '<div class="typed-sentence" style="font-size:1.15rem;line-height:2.1;white-space:pre-wrap;'
    'overflow-wrap:anywhere">{}</div>'
)
WORD = '<bdi style="border-bottom:2px solid rgba(128,136,150,0.45);padding-bottom:0.2rem">{}</bdi>'
PIECE = '<span style="{look}border-radius:0.25rem" title="{told}">{text}</span>'
CUT = "opacity:0.4;text-decoration:line-through;"


def piece_looks(reading: Reading, input_ids: Sequence[int], unk_id: int) -> dict[int, str]:
    """Return the CSS of each piece that is read: neighbours differ, and [UNK] stands out."""
    looks = {}
    for span in reading.spans:
        if span.pieces[0] > reading.kept:
            break
        read = [piece for piece in span.pieces if piece <= reading.kept]
        unknown = any(input_ids[piece] == unk_id for piece in read)
        looks.update(dict.fromkeys(span.pieces, UNKNOWN_LOOK if unknown else _look(span)))
    return looks


def _look(span: Span) -> str:
    return f"background:rgba({PIECES[span.pieces[0] % len(PIECES)]},{FAINT});"


def strength_look(value: float, largest: float) -> str:
    """Return the CSS of an attribution: blue speaks for the label, red against it."""
    opacity = STRONG * min(abs(value) / largest, 1) if largest else 0
    return f"background:rgba({FOR if value > 0 else AGAINST},{opacity:.3f});"


def coloured_sentence(
    reading: Reading, look: Callable[[Span], str], told: Callable[[Span], str]
) -> str:
    """Return the sentence as HTML whose text is exactly what was typed.

    What was cut is greyed, and left away after its first characters. Each 어절 and each gap is set apart
    for right-to-left marks, so that one that was typed turns nothing else around.

    Args:
        look: gives the CSS of a span that is read; told: what is said of it under the pointer.
    """
    text, end = reading.text, shown_until(reading)
    parts: list[str] = []
    word: list[str] = []
    after = 0
    for place, span in enumerate(reading.spans):
        if span.start >= end:
            break
        gap = html.escape(text[after : span.start])
        if place and span.word == reading.spans[place - 1].word:
            word.append(gap)  # a character that was dropped within an 어절
        else:
            parts += [_word(word), _gap(gap)]
            word = []
        css = look(span) if span.pieces[0] <= reading.kept else CUT
        typed = html.escape(text[span.start : min(span.end, end)])
        word.append(PIECE.format(look=css, told=html.escape(told(span)), text=typed))
        after = span.end
    parts += [_word(word), _gap(html.escape(text[after:end]))]
    return SENTENCE.format("".join(parts))


def shown_until(reading: Reading) -> int:
    """Return how many characters of the text are shown."""
    read = max((span.end for span in reading.spans if span.pieces[0] <= reading.kept), default=0)
    return min(read + SHOWN_CUT, len(reading.text))


def _word(pieces: list[str]) -> str:
    return WORD.format("".join(pieces)) if pieces else ""


def _gap(text: str) -> str:
    return f"<bdi>{text}</bdi>" if text.strip() else text
