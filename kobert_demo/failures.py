"""What ended a training that the project did not foresee, in words."""

import errno

from kobert_demo.errors import KobertDemoError
from kobert_demo.language import Message


def explain(problem: Exception) -> Message:
    """Say in words why training failed, and what to change."""
    return known(problem) or Message(
        "Training ended with an unexpected error ({kind}); the last lines of the log say more.",
        {"kind": type(problem).__name__},
    )


def known(problem: Exception) -> Message | None:
    """Say why training failed, and what to change, where it is known what to change."""
    said = str(problem).lower()
    if isinstance(problem, KobertDemoError):
        return problem.messages[0]
    if isinstance(problem, MemoryError) or "out of memory" in said or "not enough memory" in said:
        return Message(
            "The memory is full: choose a smaller batch size or a smaller max_length and start again."
        )
    if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
        return Message("The disk is full: free some space and start again.")
    return None
