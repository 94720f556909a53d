"""Visitors who watch a run and draw nothing: they ask the server for what a browser asks it for.

A visitor's browser works on the visitor's machine. What it costs the one that trains is what the server
does for it, and that is here in full: the page, by Streamlit's websocket protocol, and again where the run
is not as it was when the page was drawn; each second what is new of the run, and every five seconds which
runs go on (`kobert_demo/ui/live_route.py`).

    python -m benchmarks.watchers URL RUN COUNT     watch until the process is ended

Each line of its input is answered by a JSON list: the seconds to each answer since the last.
"""

import json
import sys
import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from kobert_demo.live import CHARTS

ANSWER_SECONDS = 60
LOOK, NOTICES = (
    1,
    5,
)  # seconds between two questions; all visitors ask when the clock comes to a multiple


class Watcher:
    """One visitor of the Training page.

    Args:
        url: the app's.
        run: the id of a run that is active.

    Attributes:
        received: bytes of the last answer.
        waits: seconds to each answer of `watch`.
    """

    def __init__(self, url: str, run: str) -> None:
        address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
        self._socket = connect(address, subprotocols=["streamlit"], max_size=None)
        self._web, self._run = HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_SECONDS), run
        self._stage, self.received = "", 0
        self._after = {chart: [0] * len(lines) for chart, lines in CHARTS.items()}
        self.waits: list[float] = []
        self.look()

    def look(self) -> None:
        """Ask for what is new of the run; for the page, too, where it is drawn from something else now."""
        after = {chart: ",".join(map(str, steps)) for chart, steps in self._after.items()}
        told = json.loads(self._get(f"/{self._run}?{urlencode({'language': 'ko', **after})}"))
        for chart, lines in told["charts"].items():
            lasts = zip(self._after[chart], lines, strict=True)
            self._after[chart] = [max([last, *steps]) for last, (steps, _) in lasts]
        if told["stage"] != self._stage:
            self._stage = told["stage"]
            self._open_page()

    def _get(self, question: str = "") -> bytes:
        try:
            self._web.request("GET", f"/live{question}")
            answer = self._web.getresponse().read()
        except ConnectionError:  # the server closes what was idle for five seconds
            self._web.close()
            return self._get(question)
        self.received = len(answer)
        return answer

    def _open_page(self) -> None:
        """Ask for the page and take in all of it."""
        page = ClientState(page_name="training", query_string=f"run={self._run}")
        self._socket.send(BackMsg(rerun_script=page).SerializeToString())
        while True:
            message = ForwardMsg.FromString(self._socket.recv(ANSWER_SECONDS))
            if message.WhichOneof("type") == "script_finished":
                break

    def watch(self) -> None:
        """Ask when it is time to, while any run goes on."""
        goes_on = True
        while goes_on:
            time.sleep(LOOK - time.time() % LOOK)
            began = time.time()
            self.look()
            if int(began) % NOTICES == 0:
                goes_on = bool(self._get())
            self.waits.append(time.time() - began)


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
