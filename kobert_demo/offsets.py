"""Text and a vocabulary -> `Reading`: where in the typed text each piece stands, and in which 어절.

Cutting text into pieces changes it: control characters go, NFKC turns ㅋ (U+314B) into U+110F, one ㈜
becomes three characters, and twelve letters of decomposed Hangul become five syllables. Here the way back
is kept, so that what is shown of a sentence is always what the person typed. It is only worked out for a
sentence that somebody looks at.
"""

from dataclasses import dataclass

from kobert_demo.encoding import Vocabulary


@dataclass(frozen=True)
class Span:
    """A stretch of the typed text that became pieces.

    Attributes:
        start, end: its characters, `text[start:end]`; never none.
        pieces: positions of its pieces in the encoding, where 0 is [CLS]. Several pieces share one span
            where they come from one character (㈜ is three pieces), or where one has no character of its
            own (the bare `▁` at a word's beginning).
        word: the number of its 어절, from 0.
    """

    start: int
    end: int
    pieces: tuple[int, ...]
    word: int


@dataclass(frozen=True)
class Reading:
    """A text and where it was read.

    Attributes:
        spans: in the order of the text, never overlapping. What lies between them became no piece: white
            space, dropped control characters, and accents where the vocabulary drops them.
        words: start and end of each 어절, the stretches that white space sets apart.
        kept: how many pieces the model reads; those of positions above it were cut by `max_length`.
    """

    text: str
    spans: tuple[Span, ...]
    words: tuple[tuple[int, int], ...]
    kept: int

    @property
    def read_words(self) -> tuple[int, ...]:
        """The numbers of the 어절 of which the model reads at least one piece."""
        return tuple(dict.fromkeys(each.word for each in self.spans if each.pieces[0] <= self.kept))

    def pieces_of(self, word: int) -> tuple[int, ...]:
        """Return the positions of the pieces of an 어절 that the model reads."""
        return tuple(
            piece
            for span in self.spans
            if span.word == word
            for piece in span.pieces
            if piece <= self.kept
        )

    def word(self, number: int) -> str:
        """Return an 어절 as it was typed."""
        start, end = self.words[number]
        return self.text[start:end]


def read(text: str, vocabulary: Vocabulary, max_length: int) -> Reading:
    """Return where each piece of `text` comes from; `max_length` counts [CLS] and [SEP]."""
    places = [_trimmed(text, *place) for place in vocabulary.places(text)]
    spans: list[Span] = []
    words: list[tuple[int, int]] = []
    for start, end, pieces in _stretches(places):
        after = spans[-1].end if spans else 0
        if not spans or any(map(str.isspace, text[after:start])):
            words.append((start, end))
        words[-1] = (words[-1][0], end)
        spans.append(Span(start, end, pieces, len(words) - 1))
    return Reading(text, tuple(spans), tuple(words), min(len(places), max_length - 2))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a piece's place without the white space around it, which some tokenizers count in."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _stretches(places: list[tuple[int, int]]) -> list[tuple[int, int, tuple[int, ...]]]:
    """Return start, end and pieces of each stretch: pieces with characters in common are one.

    A piece without characters goes with the next one that has some; the last ones with the one before.
    """
    stretches: list[tuple[int, int, tuple[int, ...]]] = []
    waiting: tuple[int, ...] = ()
    for position, (start, end) in enumerate(places, start=1):  # 0 is [CLS]
        waiting += (position,)
        if start == end:
            continue
        if stretches and start < stretches[-1][1]:
            begin, before, pieces = stretches.pop()
            stretches.append((min(begin, start), max(before, end), pieces + waiting))
        else:
            stretches.append((start, end, waiting))
        waiting = ()
    if waiting and stretches:
        begin, before, pieces = stretches.pop()
        stretches.append((begin, before, pieces + waiting))
    return stretches
