"""A tick of one fragment does not change how the run of another one ended."""

from collections.abc import Iterator

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from kobert_demo.ui.fragment_ends import keep_ends

WHOLE, EARLY = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY, ForwardMsg.FINISHED_EARLY_FOR_RERUN


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForwardMsgQueue]:
    """What waits to be sent: a run of the fragment `view`, and its end."""
    monkeypatch.setattr(ForwardMsgQueue, "clear", ForwardMsgQueue.clear)
    keep_ends.cache_clear()
    keep_ends()
    waiting = ForwardMsgQueue()
    drawn, end = ForwardMsg(), ForwardMsg(script_finished=WHOLE)
    drawn.delta.fragment_id = "view"
    drawn.delta.new_element.text.body = "the answer"
    end.metadata.run.fragment_ids.append("view")
    waiting.enqueue(drawn)
    waiting.enqueue(end)
    yield waiting
    keep_ends.cache_clear()


def test_the_tick_of_another_fragment_leaves_an_end_alone(queue: ForwardMsgQueue) -> None:
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["tick"])
    drawn, end = queue.flush()
    assert drawn.delta.new_element.text.body == "the answer"
    assert end.script_finished == WHOLE


@pytest.mark.parametrize("running", [["view"], ["tick", "view"], None])
def test_what_is_drawn_once_more_ended_early(
    queue: ForwardMsgQueue, running: list[str] | None
) -> None:
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=running)
    assert [message.script_finished for message in queue.flush()] == [EARLY]


def test_all_is_gone_when_all_is_sent(queue: ForwardMsgQueue) -> None:
    assert len(queue.flush()) == 2
    assert queue.is_empty()
