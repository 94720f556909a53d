"""Visitors who watch a run and draw nothing: they speak Streamlit's websocket protocol as a browser does.

A visitor's browser works on the visitor's machine. What it costs the one that trains is what the server
does for it, and that is here in full: the page, then a run of each of its fragments as often as the page
asks for (the run's each second, the one that looks out for ended runs every five), and the answers.

    python -m benchmarks.watchers URL RUN COUNT     watch until the process is ended

Each line of its input is answered by a JSON list: the seconds to the answer of each tick since the last.
"""

import json
import sys
import threading
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

ANSWER_SECONDS = 60


class Watcher:
    """One visitor of the Training page.

    Args:
        url: the app's.
        run: the id of a run that is active.

    Attributes:
        received: bytes of the last answer.
        timers: seconds between two runs of each fragment, as the page asks for.
        waits: seconds from each tick of `watch` to the end of its answer.
    """

    def __init__(self, url: str, run: str) -> None:
        address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
        self._socket = connect(address, subprotocols=["streamlit"], max_size=None)
        self._page, self.received = "", 0
        self.timers: dict[str, float] = {}
        self.waits: list[float] = []
        self._ask(ClientState(page_name="training", query_string=f"run={run}"))

    def tick(self, fragment: str | None = None) -> None:
        """Have a fragment run, as a browser's timer does: that of the run, where none is named."""
        fragment = fragment or min(self.timers, key=self.timers.__getitem__)
        of_page = {"page_script_hash": self._page, "fragment_id": fragment}
        self._ask(ClientState(**of_page, is_auto_rerun=True))

    def _ask(self, state: ClientState) -> None:
        """Send a request and take in all of its answer."""
        self._socket.send(BackMsg(rerun_script=state).SerializeToString())
        self.received, finished = 0, False
        while not finished:
            data = self._socket.recv(ANSWER_SECONDS)
            self.received += len(data)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "navigation":
                self._page = message.navigation.page_script_hash
            if kind == "new_session" and not message.metadata.run.fragment_ids:
                self.timers = {}  # of the page before
            if kind == "auto_rerun":
                self.timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            finished = (
                kind == "script_finished"
                and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
            )

    def watch(self) -> None:
        """Have each fragment run when its time has come, for as long as the page asks for any."""
        due: dict[str, float] = {}
        while self.timers:
            now = time.perf_counter()
            due = {one: due.get(one, now + seconds) for one, seconds in self.timers.items()}
            fragment = min(due, key=due.__getitem__)
            time.sleep(max(0.0, due[fragment] - now))
            began = time.perf_counter()
            due[fragment] = began + self.timers[fragment]
            self.tick(fragment)
            self.waits.append(time.perf_counter() - began)


def main() -> None:
    url, run, count = sys.argv[1:]
    watchers = [Watcher(url, run) for _ in range(int(count))]
    for watcher in watchers:
        threading.Thread(target=watcher.watch).start()
    print("watching", flush=True)
    for _ in sys.stdin:
        waits = []
        for watcher in watchers:
            new, watcher.waits = watcher.waits, []
            waits += new
        print(json.dumps(waits), flush=True)


if __name__ == "__main__":
    main()
