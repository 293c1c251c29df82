"""The blocks of code in the pages of the docs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def blocks(page: Path, kind: str) -> list[tuple[int, str]]:
    """(line, text) of the blocks of a kind."""
    text = page.read_text("utf-8")
    found = re.finditer(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start(1)) + 1, match[1]) for match in found]
