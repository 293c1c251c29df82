"""Everything that has to hold before a change lands: `python -m tests`. Arguments go to pytest."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]

CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "tests": ["pytest", "-n", "2", "--dist", "worksteal"],  # most of them wait: two at a time take half as long
}


def main() -> int:
    """Runs the checks in turn; the first that fails ends it. Gives the exit code."""
    for name, words in CHECKS.items():
        more = sys.argv[1:] if name == "tests" else []
        print(f"── {name}", flush=True)
        started = time.monotonic()
        code = subprocess.run([sys.executable, "-m", *words, *more], cwd=ROOT, check=False).returncode
        print(f"── {name}: {'ok' if code == 0 else f'failed ({code})'}, {time.monotonic() - started:.0f} s", flush=True)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
