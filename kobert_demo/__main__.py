"""`python -m kobert_demo VERB`: see `kobert_demo.cli`."""

import signal
import sys

from kobert_demo.cli import main

if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly when `| head` has seen enough
    sys.exit(main())
