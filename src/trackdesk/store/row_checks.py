"""What a row from a file must look like before it may be stored: what operations check, checked once more."""

from __future__ import annotations

import math
from base64 import b64decode
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from trackdesk.domain import measures, value_sketch
from trackdesk.domain.attachment import SHA256_PATTERN, file_name
from trackdesk.domain.cron import check_line
from trackdesk.domain.errors import shorten
from trackdesk.domain.identity import Role
from trackdesk.domain.incident import IncidentStatus, Origin, Severity
from trackdesk.domain.instant import EARLIEST, LATEST
from trackdesk.domain.metric import MetricType
from trackdesk.domain.model import Label, ProcessName, RunId, Tags
from trackdesk.domain.notification import DeliveryStatus, Kind, Match
from trackdesk.domain.rule import Aggregate, Operator, RuleState
from trackdesk.domain.run import DeadlineStatus, Progress, RunError, RunStatus
from trackdesk.domain.schedule import SHORTEST_EVERY, Cron
from trackdesk.domain.silence import Matchers
from trackdesk.store.mutes import Counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.store.travelling import Column


def _file_name(name: str) -> str:
    if file_name(name) != name:
        raise ValueError("expected the name of a file that can be shown and saved anywhere")
    return name


_BIGGEST: Final = 2**63 - 1
_CHOICES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("keys", "role"): tuple(Role),
    ("runs", "status"): tuple(RunStatus),
    ("runs", "deadline_status"): tuple(DeadlineStatus),
    ("incidents", "status"): tuple(IncidentStatus),
    ("incidents", "severity"): tuple(Severity),
    ("incidents", "origin"): tuple(Origin),
    ("notifications", "kind"): tuple(Kind),
    ("notifications", "severity"): tuple(Severity),
    ("channels", "min_severity"): tuple(Severity),
    ("deliveries", "status"): tuple(DeliveryStatus),
    ("processes", "incident_per"): ("process", "run"),
    ("rule_states", "state"): tuple(RuleState),
    ("mutes", "kind"): ("silence", "maintenance"),
    ("mutes", "outcome"): Counted._fields,
    ("rules", "operator"): tuple(Operator),
    ("rules", "severity"): tuple(Severity),
    ("rules", "aggregate"): tuple(Aggregate),
}
_TEXTS: Final[dict[tuple[str, str], Any]] = {
    ("departments", "id"): Label,
    ("services", "name"): Label,
    ("series", "metric_type"): MetricType,
    ("processes", "name"): ProcessName,
    ("runs", "id"): RunId,
    ("rules", "id"): Label,
    ("rules", "metric_type"): MetricType,
    ("attachments", "sha256"): Annotated[str, Field(pattern=SHA256_PATTERN)],
    ("attachments", "name"): Annotated[str, AfterValidator(_file_name)],
}
_JSON: Final[dict[tuple[str, str], Any]] = {
    ("keys", "departments"): list[str],
    ("services", "depends_on"): list[str],
    ("series", "tags"): Tags,
    ("runs", "tags"): dict[str, str],
    ("runs", "context"): dict[str, Any],
    ("runs", "progress"): Progress,
    ("runs", "error"): RunError,
    ("logs", "data"): dict[str, Any],
    ("rules", "tags"): Tags,
    ("channels", "kinds"): list[Kind],
    ("channels", "match"): Match,
    ("silences", "match"): Matchers,
    ("silences", "departments"): list[str],
    ("maintenance", "departments"): list[str],
    ("maintenance", "schedule"): Cron,
    ("incidents", "tags"): dict[str, str],
    ("notifications", "muted"): dict[str, Any],
    ("notifications", "payload"): dict[str, Any],
    ("notifications", "routing"): list[tuple[int, str, str | None]] | dict[str, dict[str, str | int]],
    ("journal", "changed"): dict[str, Any],
}
_INSTANTS: Final = ("_at", "_until", "_since")
_LEVELS: Final = range(4)


class BadValue(ValueError):
    """`column` and what is wrong with it."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


class _UnfitError(ValueError):
    """The text completes the sentence "expected …"."""


class RowCheck:
    """Checks the rows of one table."""

    def __init__(self, table: str, columns: tuple[Column, ...]) -> None:
        self._table = table
        self._columns = {column.name: column for column in columns}
        self._required = [column.name for column in columns if column.required and not _counted(column, columns)]
        self._tests = {column.name: _tests(table, column) for column in columns}

    def check(self, row: dict[str, Any]) -> None:
        """Raises BadValue for the first thing that is wrong."""
        tests = self._tests
        for name, value in row.items():
            test = tests.get(name)
            if test is None:
                raise BadValue(shorten(name), f"unknown column; known are {', '.join(tests)}")
            if value is None:
                if not self._columns[name].nullable:
                    raise BadValue(name, "expected a value, not null")
            else:
                try:
                    test(value)
                except ValidationError as error:
                    raise BadValue(name, _said(error, value)) from None
                except _UnfitError as error:
                    raise BadValue(name, f"expected {error}, not {shorten(value)}") from None
                except ValueError as error:
                    raise BadValue(name, str(error)) from None
        for name in self._required:
            if name not in row:
                raise BadValue(name, "is required")


def _counted(column: Column, columns: tuple[Column, ...]) -> bool:
    """Whether the database numbers the rows by itself."""
    return column.key == 1 and column.type == "INTEGER" and sum(each.key > 0 for each in columns) == 1


def _tests(table: str, column: Column) -> Callable[[Any], object]:
    place = (table, column.name)
    if place in _CHOICES:
        return _choice(_CHOICES[place])
    if place in _JSON:
        return _json(_JSON[place])
    if place in _TEXTS:
        return TypeAdapter(_TEXTS[place]).validate_python
    if place in _OTHERS:
        return _OTHERS[place]
    if column.type == "REAL":
        return _real
    if column.type == "TEXT":
        return _text
    return _instant if column.name == "deadline" or column.name.endswith(_INSTANTS) else _integer


def _said(error: ValidationError, value: object) -> str:
    found = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    message = found["msg"].removeprefix("Value error, ")
    return f"{place + ': ' if place else ''}{message[:1].lower()}{message[1:]}, not {shorten(value)}"


@cache
def _choice(known: tuple[str, ...]) -> Callable[[Any], object]:
    def test(value: Any) -> None:
        if not isinstance(value, str) or value not in known:
            raise _UnfitError(f"one of {', '.join(known)}")

    return test


def _json(type_: Any) -> Callable[[Any], object]:
    validate = TypeAdapter(type_).validate_json

    def test(value: Any) -> None:
        _text(value)
        validate(value)

    return test


def _pack(value: Any) -> None:
    measures.check_pack(_bytes(value), 60)


def _positive(value: Any) -> None:
    if type(value) is not int or not 0 < value <= _BIGGEST:
        raise _UnfitError("a whole number above 0")


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise _UnfitError("bytes in base64")
    try:
        return b64decode(value, validate=True)
    except ValueError:
        raise _UnfitError("bytes in base64") from None


def _level(value: Any) -> None:
    if type(value) is not int or value not in _LEVELS:
        raise _UnfitError("0 (DEBUG) to 3 (ERROR)")


def _schedule(value: Any) -> None:
    """As `domain.schedule.pack` writes it."""
    _text(value)
    given = TypeAdapter(dict[str, str | int]).validate_json(value)
    line, zone, every = given.get("cron"), given.get("timezone"), given.get("every")
    if isinstance(line, str) and isinstance(zone, str) and len(given) == 2:
        check_line(line)
    elif type(every) is not int or every < SHORTEST_EVERY or len(given) != 1:
        raise _UnfitError('{"cron", "timezone"} or {"every"} in µs')


def _integer(value: Any) -> None:
    if type(value) is not int or not -_BIGGEST <= value <= _BIGGEST:
        raise _UnfitError("a whole number of 64 bits")


def _instant(value: Any) -> None:
    if type(value) is not int or not EARLIEST <= value <= LATEST:
        raise _UnfitError("µs since 1970, up to the year 9999")


def _real(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _UnfitError("a finite number")


def _text(value: Any) -> None:
    if not isinstance(value, str) or "\x00" in value:
        raise _UnfitError("text without NUL")


_OTHERS: Final[dict[tuple[str, str], Callable[[Any], object]]] = {
    ("logs", "level"): _level,
    ("metric_cells", "count"): _positive,
    ("metric_cells", "sketch"): lambda value: value_sketch.check(_bytes(value)),
    ("metric_packs", "pack"): _pack,
    ("processes", "schedule"): _schedule,
    **{("rules", name): _positive for name in ("window_size", "hold_for", "no_data_after", "priority")},
}
