"""Pings: what the path of one says, and what becomes of its body."""

from __future__ import annotations

import codecs
import re
from enum import StrEnum
from typing import Annotated, Final, NamedTuple
from uuid import UUID

from pydantic import Field

from trackdesk.domain.errors import Invalid
from trackdesk.domain.filters import Filter
from trackdesk.domain.model import NAME_PATTERN
from trackdesk.domain.run import LogLevel, NewLog

BODY_LIMIT: Final = 102_400
"""Bytes of a body that are kept."""
REPEAT: Final = 60_000_000
"""µs within which what is said again about a `rid` is a repeat, and its start may come behind its end."""
ID_PREFIX: Final = "ping-"
"""Begins the ids of runs that pings without a `rid` start, which is how their end finds them."""
KEY_IN_HEADER: Final = "-"
"""Stands in the path where the key comes in a header, as with every other call."""
_LINE_LIMIT: Final = 16_384
_MESSAGE_LIMIT: Final = 500

_NAME: Final = re.compile(NAME_PATTERN.removesuffix("$") + r"\Z", re.ASCII)
UUID_PATTERN: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_UUID: Final = re.compile(UUID_PATTERN.strip("^$"), re.ASCII)
_UUID_LENGTH: Final = 36
_SECRET: Final = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_EXIT_CODE: Final = re.compile(r"[0-9]{1,3}", re.ASCII)


class Signal(StrEnum):
    SUCCESS = "success"
    START = "start"
    FAIL = "fail"
    LOG = "log"


class PingFilter(Filter):
    """What may stand behind the question mark; whatever else does is passed over, as other servers do."""

    rid: Annotated[str, Field(pattern=UUID_PATTERN)] | None = None
    """Names the run, so that starts and ends that overlap find each other."""
    create: str | None = None
    """Accepted; a process is always made."""


class Pinged(NamedTuple):
    """What a path says. With a `process` the secret is a key, else it is the process's own uuid, in lower case."""

    secret: str
    process: str | None
    signal: Signal
    exit_code: int | None = None


_SIGNALS: Final[dict[str, tuple[Signal, int | None]]] = {
    "": (Signal.SUCCESS, None),
    "start": (Signal.START, None),
    "fail": (Signal.FAIL, None),
    "log": (Signal.LOG, None),
}


def parse_path(rest: str) -> Pinged:
    """`{key}/{process}` or `{uuid}`, either with `/start`, `/fail`, `/log`, `/{exit code}`, or a slash at its end.

    Raises Invalid, which does not repeat what was given: there is a secret in it.
    """
    first, *more = rest.split("/")
    by_uuid = len(first) == _UUID_LENGTH and _UUID.fullmatch(first) is not None
    process = None if by_uuid or not more else more.pop(0)
    if len(more) > 1 or (process is None and not by_uuid) or not _SECRET.fullmatch(first):
        raise _bad_url()
    if process is not None and not _NAME.match(process):
        raise _bad_url()
    signal, exit_code = _signal(more[0] if more else "")
    return Pinged(first.lower() if process is None else first, process, signal, exit_code)


def _signal(suffix: str) -> tuple[Signal, int | None]:
    found = _SIGNALS.get(suffix)
    if found is not None:
        return found
    if not _EXIT_CODE.fullmatch(suffix) or (code := int(suffix)) > 255:
        raise _bad_url()
    return (Signal.FAIL, code) if code else (Signal.SUCCESS, None)


def _bad_url() -> Invalid:
    return Invalid("url", "expected /ping/KEY/PROCESS or /ping/UUID, with /start, /fail, /log or an exit code 0 to 255")


def parse_rid(text: str) -> str:
    """The id of a run, in lower case and with its hyphens. Raises Invalid."""
    try:
        return str(UUID(text))
    except ValueError:
        raise Invalid("rid", "expected a UUID", text) from None


def body_text(raw: bytes) -> str:
    """What of a body can be kept: its first 100 KiB without NUL, wrong bytes replaced, without space at its end."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    whole = len(raw) <= BODY_LIMIT
    return decoder.decode(raw[:BODY_LIMIT], final=whole).replace("\x00", "").rstrip()


def log_lines(text: str, level: LogLevel) -> list[NewLog]:
    """A text as one log line, or as several where it is too long for one, cut where its own lines end if they do."""
    lines: list[NewLog] = []
    while text:
        end = len(text)
        if end > _LINE_LIMIT:
            end = text.rfind("\n", 1, _LINE_LIMIT + 1)
            end = _LINE_LIMIT if end < 0 else end
        if piece := text[:end].rstrip():
            lines.append(NewLog(message=piece, level=level))
        text = text[end:].removeprefix("\n")
    return lines


def failure(exit_code: int | None, text: str) -> str:
    """Why a run failed, in one line: its exit code, else the last line of the body that says something, which is
    where programs say what they died of."""
    if exit_code is not None:
        return f"exit code {exit_code}"
    last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
    return last[:_MESSAGE_LIMIT] or "reported as failed"
