"""Start the runner: `python -m models.runner`, or its one-file archive."""

import sys

from models.runner.serving import main

if __name__ == "__main__":
    sys.exit(main())
