"""`python -m kobert_demo VERB`: see `kobert_demo.cli`."""

import sys

from kobert_demo.cli import main

if __name__ == "__main__":
    sys.exit(main())
