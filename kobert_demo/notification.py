"""The end of a run -> a message to an address of the person's own (a webhook).

`KOBERT_DEMO_WEBHOOK` holds the address. It may carry a secret, so that no log ever shows it.
"""

import logging
import os

import httpx2

from kobert_demo.store import Run

VARIABLE = "KOBERT_DEMO_WEBHOOK"
PATIENCE = 5  # seconds to connect, and then to wait for an answer

log = logging.getLogger("kobert_demo")


def notify(run: Run) -> None:
    """Post how a run ended as JSON, where an address is set; what goes wrong is a line in the log.

    The fields are `run`, `name`, `status`, `accuracy` and `macro_f1` (of the best evaluation, null
    before the first), and `error` (an English sentence, or null).
    """
    address = os.environ.get(VARIABLE)
    if not address:
        return
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would log the address
    message = {
        "run": run.run,
        "name": run.name,
        "status": run.status,
        "accuracy": run.accuracy,
        "macro_f1": run.macro_f1,
        "error": run.error and str(run.error),
    }
    try:
        # The answer's body is not read: nobody waits for one that never ends.
        with httpx2.stream("POST", address, json=message, timeout=PATIENCE) as answer:
            answer.raise_for_status()
        log.info("the webhook was told")
    except httpx2.HTTPStatusError as error:
        log.warning("the webhook answered %d", error.response.status_code)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        log.warning("the webhook was not reached (%s)", type(error).__name__)
