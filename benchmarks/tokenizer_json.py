"""How alike the fast tokenizer and the project encode: `python -m benchmarks.tokenizer_json`.

It prints the share of equal sentences among all reviews and comments, and the characters behind the rest.
"""

import lzma
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

from kobert_demo.model_files import find_model
from kobert_demo.sentence_pieces import SentencePieces
from kobert_demo.tokenizer_json import fast_tokenizer

DATA = Path(__file__).parents[2] / "shared" / "data"
BATCH = 5000
KEPT = 64 - 2  # pieces of a text beside [CLS] and [SEP]
UNCUT = 1_000_000


def sentences() -> Iterator[str]:
    with lzma.open(DATA / "nsmc-reviews.tsv.xz", "rt", encoding="utf-8", newline="\n") as rows:
        for row in rows:
            yield row.rstrip("\n").split("\t", 1)[1]
    with (DATA / "emotions7-comments.tsv").open(encoding="utf-8", newline="\n") as rows:
        next(rows)
        for row in rows:
            yield row.rstrip("\n").split("\t")[0]


def characters(ours: list[int], theirs: list[int], vocabulary: SentencePieces) -> str:
    """Return the characters of the pieces in which two encodings differ."""
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    different = [ours[a:b] + theirs[c:d] for same, a, b, c, d in blocks if same != "equal"]
    return "".join(
        sorted({letter for ids in different for i in ids for letter in vocabulary.piece(i)})
    )


def main() -> None:
    vocabulary = SentencePieces(find_model("mini").vocabulary)
    fast = fast_tokenizer(vocabulary.source, UNCUT)
    total = whole = cut = reordered = 0
    behind: Counter[str] = Counter()
    rows = sentences()
    while texts := list(islice(rows, BATCH)):
        encodings = fast.encode_batch_fast(texts, add_special_tokens=False)
        for text, encoding in zip(texts, encodings, strict=True):
            ours, theirs = vocabulary.ids(text), encoding.ids
            total += 1
            if ours != theirs:
                whole += 1
                cut += ours[:KEPT] != theirs[:KEPT]
                reordered += sorted(ours) == sorted(theirs)
                behind[characters(ours, theirs, vocabulary)] += 1
    print(
        f"equal: {1 - whole / total:.4%} of {total} ({whole} differ); {cut} differ cut to {KEPT + 2}"
    )
    print(f"of the {whole}, {reordered} have the same pieces in another order")
    for letters, count in behind.most_common():
        print(f"  {letters}: {count}")


if __name__ == "__main__":
    main()
