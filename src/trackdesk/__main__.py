"""`python -m trackdesk` is `trackdesk`."""

import sys

from trackdesk.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
