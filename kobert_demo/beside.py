"""Something small that goes on in a thread beside a block of code, and ends with it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST_SECONDS = (
    2.0  # that its end is waited for: what hangs in it must not keep the block from ending
)


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run `work` in a thread for as long as the block lasts; it ends soon after its event is set."""
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(MOST_SECONDS)
