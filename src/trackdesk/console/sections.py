"""The sections on the number keys."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trackdesk.widgets.view import View


@dataclass(frozen=True, slots=True)
class Section:
    key: str
    """The number key: `1` … `9`, `0`."""
    name: str
    """Its `:` command and its mode: `incidents`."""
    title: str
    make: Callable[[Any], View]
    """Given the client, the view the section begins with."""
