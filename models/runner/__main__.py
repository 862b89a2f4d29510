"""Start the runner: `python -m models.runner`, or the one file that holds it."""

import sys

from models.runner.serving import main

if __name__ == "__main__":
    sys.exit(main())
