"""The faces of a list beside its rows: loading, empty, filtered to nothing, failed."""

from dataclasses import dataclass

from trackdesk.widgets import when
from trackdesk.widgets.glyphs import Toned


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing is there yet: what would stand here, and the one command that fills it."""

    text: str = "Nothing here yet"
    command: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """The list could not be loaded."""

    what: str
    at: int
    """When it failed."""
    retry_at: int | None = None
    """When it is tried again by itself."""

    def lines(self, now: int) -> list[Toned]:
        again = f"tried again {when.until(self.retry_at, now)}" if (self.retry_at or 0) > now else "r tries again"
        return [Toned(self.what, "fail", bold=True), Toned(f"since {when.clock(self.at)}, {again}", "dim")]

    def line(self, now: int) -> str:
        """The same on one line, to stand under rows that are still shown."""
        what, rest = self.lines(now)
        return f"{what.text}; {rest.text}; these rows are old"


def empty_lines(empty: Empty) -> list[Toned]:
    lines = [Toned(empty.text, "new", bold=True)]
    if empty.command:
        lines += [Toned("", "dim"), Toned(empty.command, "run")]
    return lines


def filtered_lines(expression: str) -> list[Toned]:
    return [
        Toned("Nothing matches", "new", bold=True),
        Toned(f"/{expression}", "run"),
        Toned("", "dim"),
        Toned("esc shows everything", "dim"),
    ]


LOADING = [Toned("loading…", "dim")]
