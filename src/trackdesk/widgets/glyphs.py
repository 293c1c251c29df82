"""Every state as a glyph, a word and a role: colour only repeats what glyph and word already say."""

from typing import Literal, NamedTuple

Role = Literal["ok", "run", "late", "fail", "dim", "new"]
"""What a colour means. Themes give each of the six its colour: `role-ok`, `role-run`, …"""

ROLES: tuple[Role, ...] = ("ok", "run", "late", "fail", "dim", "new")


class Mark(NamedTuple):
    """A state as the console shows it."""

    glyph: str
    word: str
    role: Role
    ascii: str
    """The glyph for terminals that have ASCII only."""

    def text(self, *, ascii_only: bool = False) -> str:
        return f"{self.ascii if ascii_only else self.glyph} {self.word}"


class Toned(NamedTuple):
    """Plain text in the colour of a role."""

    text: str
    role: Role
    bold: bool = False


RUN_STATUS = {
    "ACTIVE": Mark("▶", "running", "run", ">"),
    "COMPLETED": Mark("✓", "done", "ok", "+"),
    "FAILED": Mark("✗", "failed", "fail", "x"),
    "SKIPPED": Mark("»", "skipped", "dim", "-"),
}

DEADLINE_STATUS = {
    "ON_TRACK": Mark("·", "on track", "dim", "."),
    "WARNING": Mark("!", "near due", "late", "!"),
    "MISSED": Mark("✗", "missed", "fail", "x"),
    "COMPLETED_ON_TIME": Mark("✓", "on time", "ok", "+"),
    "COMPLETED_LATE": Mark("!", "late", "late", "!"),
}

INCIDENT_STATUS = {
    "OPEN": Mark("●", "open", "fail", "*"),
    "TRIAGED": Mark("◐", "triaged", "late", "o"),
    "IN_PROGRESS": Mark("▶", "in work", "run", ">"),
    "CLOSED": Mark("✓", "closed", "dim", "+"),
}

SEVERITY = {
    "LOW": Mark("·", "low", "dim", "."),
    "MEDIUM": Mark("?", "medium", "new", "?"),
    "HIGH": Mark("!", "high", "late", "!"),
    "CRITICAL": Mark("✗", "critical", "fail", "x"),
}

DELIVERY_STATUS = {
    "PENDING": Mark("·", "waiting", "dim", "."),
    "SENT": Mark("✓", "sent", "ok", "+"),
    "RETRYING": Mark("↻", "retrying", "late", "~"),
    "DEAD": Mark("✗", "dead", "fail", "x"),
    "GROUPED": Mark("+", "in one message", "dim", "+"),
}

PROCESS_STATE = {
    "OK": Mark("✓", "ok", "ok", "+"),
    "RUNNING": Mark("▶", "running", "run", ">"),
    "LATE": Mark("!", "late", "late", "!"),
    "FAILING": Mark("✗", "failing", "fail", "x"),
    "MISSING": Mark("?", "missing", "fail", "?"),
    "PAUSED": Mark("‖", "paused", "dim", "="),
}

HEALTH = {
    "OK": Mark("✓", "ok", "ok", "+"),
    "DEGRADED": Mark("!", "degraded", "late", "!"),
    "DOWN": Mark("✗", "down", "fail", "x"),
    "NO_DATA": Mark("?", "no data", "dim", "?"),
}

RULE_STATE = {
    "OK": Mark("✓", "ok", "ok", "+"),
    "PENDING": Mark("◐", "pending", "late", "o"),
    "FIRING": Mark("✗", "firing", "fail", "x"),
    "NO_DATA": Mark("?", "no data", "late", "?"),
    "OFF": Mark("‖", "off", "dim", "="),
}

LEVEL = {
    "DEBUG": Mark("·", "DEBUG", "dim", "."),
    "INFO": Mark(" ", "INFO", "new", " "),
    "WARN": Mark("!", "WARN", "late", "!"),
    "ERROR": Mark("✗", "ERROR", "fail", "x"),
}

LEVELS = tuple(LEVEL)
"""Log levels, least urgent first."""

READ = Mark(" ", "read", "dim", " ")
UNREAD = Mark("●", "unread", "run", "*")


def run_status(status: str) -> Mark:
    return _known(RUN_STATUS, status)


def deadline_status(status: str | None) -> Mark:
    """A run without a deadline has no deadline status and says so."""
    return Mark(" ", "no deadline", "dim", " ") if status is None else _known(DEADLINE_STATUS, status)


def incident_status(status: str) -> Mark:
    return _known(INCIDENT_STATUS, status)


def severity(name: str) -> Mark:
    return _known(SEVERITY, name)


def delivery_status(status: str) -> Mark:
    return _known(DELIVERY_STATUS, status)


def process_state(state: str) -> Mark:
    return _known(PROCESS_STATE, state)


def health(name: str) -> Mark:
    return _known(HEALTH, name)


def rule_state(state: str, *, enabled: bool = True) -> Mark:
    """How a rule stands; one that is switched off says so in place of what it last saw."""
    return _known(RULE_STATE, state if enabled else "OFF")


def level(name: str) -> Mark:
    return _known(LEVEL, name)


def _known(table: dict[str, Mark], name: str) -> Mark:
    # A newer server may send a word this console has never heard of: show it, do not fall over it.
    return table.get(name) or Mark("?", name.lower().replace("_", " "), "new", "?")
