"""A fragment that was drawn anew keeps nothing of what it showed before, though a tick comes right behind.

When a run begins, Streamlit 1.67 drops what waits to be sent of those before it and calls their ends early,
so that the browser takes nothing away for half a page. But a tick of one fragment
(`st.fragment(run_every=...)`) drops nothing of another: its end must stay what it is, else what it no
longer draws stays on the page below what it does.
"""

from collections.abc import Sequence
from functools import cache, wraps

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue


@cache
def keep_ends() -> None:
    """Let the end of a fragment's run stay what it is when another fragment runs; done once a process."""
    clear = ForwardMsgQueue.clear

    @wraps(clear)
    def but_ends(
        queue: ForwardMsgQueue,
        retain_lifecycle_msgs: bool = False,
        fragment_ids_this_run: list[str] | None = None,
    ) -> None:
        ends = [
            (message, message.script_finished)
            for message in queue._queue
            if _ends_apart(message, fragment_ids_this_run or ())
        ]
        clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
        for message, status in ends:
            message.script_finished = status

    ForwardMsgQueue.clear = but_ends  # type: ignore[method-assign, assignment]


def _ends_apart(message: ForwardMsg, running: Sequence[str]) -> bool:
    """Say whether a message ends a run of fragments of which none is `running` now."""
    ended = set(message.metadata.run.fragment_ids)
    ends = message.WhichOneof("type") == "script_finished"
    return ends and bool(ended and running) and ended.isdisjoint(running)
