"""The sections on the number keys, and the places inside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from trackdesk.widgets.view import View


@dataclass(frozen=True, slots=True)
class Inner:
    """A place inside a section with a `:` command of its own: a tab of it, or a list that it opens."""

    name: str
    """Its `:` command: `analytics`."""
    title: str
    make: Callable[[Any], View]
    filters: bool = True
    """Whether it takes words that filter it."""


@dataclass(frozen=True, slots=True)
class Section:
    key: str
    """The number key: `1` … `9`, `0`."""
    name: str
    """Its `:` command and its mode: `incidents`."""
    title: str
    make: Callable[[Any], View]
    """Given the client, the view the section begins with."""
    filters: bool = True
    """Whether that takes words that filter it."""
    inner: Sequence[Inner] = ()
    """What else there is in it. Its view is asked for them by their names: `turn_to`."""
