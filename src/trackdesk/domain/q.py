"""The grammar of `q=`: what a person types to narrow a list.

`field:value`, `field:"two words"`, `field:pre*`, `-field:value`, `field:>5` (also `>=`, `<`, `<=`), `started:<2h` (an
age), `due:<2h` (time left), `tag:env=prod`; bare words search. Values of the same field (of a tag: of the same key) are
"any of", comparisons and negations must all hold, unlike fields are "all of".
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from trackdesk.domain.clock import SECOND
from trackdesk.domain.errors import Invalid, shorten
from trackdesk.domain.instant import DURATION_HINT, INSTANT_HINT, parse_duration, parse_instant
from trackdesk.domain.model import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TERMS = 50
WORD = ""
"""The `field` of a bare word, which searches."""

_FIELD = re.compile(r"[A-Za-z][A-Za-z_]*", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,19}(?:\.\d{1,9})?", re.ASCII)
_REF = re.compile(r"(?:INC-)?(\d{1,18})", re.ASCII | re.IGNORECASE)
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}


class FieldKind(StrEnum):
    ENUM = "enum"
    RANK = "rank"
    """An enum whose values rise, so that it can be compared."""
    TEXT = "text"
    WORDS = "words"
    """Text in which words are found instead of compared whole."""
    NUMBER = "number"
    REF = "ref"
    """The number of an incident, also as INC-42."""
    FLAG = "flag"
    AGE = "age"
    """An instant in the past; a duration means how long ago."""
    UNTIL = "until"
    """An instant to come; a duration means how long until then."""
    DURATION = "duration"
    TAG = "tag"


class Op(StrEnum):
    IS = "="
    PREFIX = "*"
    MORE = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="


COMPARISONS = (Op.AT_LEAST, Op.AT_MOST, Op.MORE, Op.LESS)
_COMPARED = frozenset(
    {FieldKind.RANK, FieldKind.NUMBER, FieldKind.REF, FieldKind.AGE, FieldKind.UNTIL, FieldKind.DURATION}
)
_TEXTS = frozenset({FieldKind.TEXT, FieldKind.WORDS, FieldKind.TAG})


@dataclass(frozen=True, slots=True)
class Field:
    kind: FieldKind
    values: tuple[str, ...] = ()
    """What an enum may be, as it is stored; of RANK in rising order."""
    shown: Mapping[str, str] = field(default_factory=dict)
    """What lists call some values of an enum: `done` → COMPLETED. In small letters, `_` between words."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `value` is text (ENUM, RANK, TEXT, WORDS, TAG and bare words), a number (NUMBER, REF), µs (AGE,
    UNTIL, DURATION) or a bool (FLAG)."""

    field: str
    op: Op
    value: str | int | float | bool
    negated: bool = False
    key: str = ""
    """Of a tag."""
    relative: bool = False
    """AGE and UNTIL: `value` is a distance from now, not an instant."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of text without unquoted spaces; `quoted` marks the characters that stood in quotes."""

    at: int
    text: str
    quoted: tuple[bool, ...]

    def find(self, mark: str) -> int:
        """Where `mark` first stands outside of quotes, or -1."""
        return next((i for i, one in enumerate(self.text) if one == mark and not self.quoted[i]), -1)

    def starts(self, mark: str) -> bool:
        return self.text.startswith(mark) and not any(self.quoted[: len(mark)])

    def cut(self, start: int, end: int | None = None) -> _Piece:
        return _Piece(self.at + start, self.text[start:end], self.quoted[start:end])


def parse(text: str, fields: Mapping[str, Field]) -> tuple[Term, ...]:
    """The terms of `text`. Raises Invalid (`q`), which names the place and what is accepted there."""
    try:
        clean(text)
    except ValueError as error:
        raise Invalid("q", str(error)) from None
    pieces = _pieces(text)
    if len(pieces) > MAX_TERMS:
        raise Invalid("q", f"expected at most {MAX_TERMS} terms, not {len(pieces)}")
    return tuple(_term(piece, fields) for piece in pieces)


def _wrong(piece: _Piece, message: str) -> Invalid:
    return Invalid("q", f"at character {piece.at + 1}: {message}")


def _pieces(text: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        piece, place = _read(text, place)
        pieces.append(piece)
    return pieces


def _read(text: str, start: int) -> tuple[_Piece, int]:
    """The piece that begins at `start`, and where it ends. In quotes a backslash takes `\"` and `\\` literally."""
    letters: list[str] = []
    quoted: list[bool] = []
    place, opened = start, -1
    while place < len(text) and (opened >= 0 or not text[place].isspace()):
        letter = text[place]
        if letter == '"':
            opened = -1 if opened >= 0 else place
        else:
            if opened >= 0 and letter == "\\" and text[place + 1 : place + 2] in {'"', "\\"}:
                place += 1
                letter = text[place]
            letters.append(letter)
            quoted.append(opened >= 0)
        place += 1
    if opened >= 0:
        raise Invalid("q", f"at character {opened + 1}: this quote is never closed")
    return _Piece(start, "".join(letters), tuple(quoted)), place


def _term(piece: _Piece, fields: Mapping[str, Field]) -> Term:
    negated = piece.starts("-")
    if negated:
        piece = piece.cut(1)
    colon = piece.find(":")
    name = piece.text[: max(colon, 0)]
    if colon < 0 or any(piece.quoted[:colon]) or not _FIELD.fullmatch(name):
        return _word(piece, negated)
    field = fields.get(name.lower())
    if field is None:
        raise _wrong(piece, f"there is no field {shorten(name)}; expected one of {', '.join(sorted(fields))}")
    return _value(piece.cut(colon + 1), name.lower(), field, negated)


def _word(piece: _Piece, negated: bool) -> Term:
    text, op = _prefix(piece)
    if not text.strip():
        raise _wrong(piece, "expected a word to search for, or field:value")
    return Term(WORD, op, text, negated)


def _prefix(piece: _Piece) -> tuple[str, Op]:
    if piece.text.endswith("*") and not piece.quoted[-1]:
        return piece.text[:-1], Op.PREFIX
    return piece.text, Op.IS


def _value(piece: _Piece, name: str, field: Field, negated: bool) -> Term:
    if field.kind is FieldKind.TAG:
        return _tag(piece, name, negated)
    op = next((each for each in COMPARISONS if piece.starts(each)), Op.IS)
    if op is not Op.IS:
        if field.kind not in _COMPARED:
            raise _wrong(piece, f"{name} can't be compared with {op}; expected {name}:value")
        piece = piece.cut(len(op))
    if not piece.text:
        raise _wrong(piece, f"expected a value after {name}:{'' if op is Op.IS else op}")
    if field.kind in _TEXTS:
        text, op = _prefix(piece)
        return Term(name, op, text, negated)
    try:
        value, relative = _READ[field.kind](piece.text, field)
    except ValueError as error:
        raise _wrong(piece, f"{name}: {error}") from None
    if op is Op.IS and field.kind in {FieldKind.AGE, FieldKind.UNTIL}:
        raise _wrong(piece, f"{name} needs a comparison, such as {name}:<2h")
    return Term(name, op, value, negated, relative=relative)


def _tag(piece: _Piece, name: str, negated: bool) -> Term:
    equals = piece.find("=")
    key = piece.text if equals < 0 else piece.text[:equals]
    if not key or equals == len(piece.text) - 1:
        raise _wrong(piece, f"expected {name}:key=value, {name}:key=pre* or {name}:key")
    if equals < 0:
        return Term(name, Op.PREFIX, "", negated, key)
    text, op = _prefix(piece.cut(equals + 1))
    return Term(name, op, text, negated, key)


def _enum(text: str, field: Field) -> tuple[str, bool]:
    word = text.lower().replace(" ", "_").replace("-", "_")
    for value in field.values:
        if value.lower() == word:
            return value, False
    if word in field.shown:
        return field.shown[word], False
    names = {value: word for word, value in field.shown.items()}
    known = (f"{value} ({names[value]})" if value in names else value for value in field.values)
    raise ValueError(f"expected one of {', '.join(known)}, not {shorten(text)}")


def _number(text: str, _: Field) -> tuple[int | float, bool]:
    if not _NUMBER.fullmatch(text) or abs(float(text)) >= 2**63 - 1:
        raise ValueError(f"expected a number, not {shorten(text)}")
    return (float(text) if "." in text else int(text)), False


def _ref(text: str, _: Field) -> tuple[int, bool]:
    match = _REF.fullmatch(text)
    if match is None:
        raise ValueError(f"expected the number of an incident such as 42 or INC-42, not {shorten(text)}")
    return int(match.group(1)), False


def _flag(text: str, _: Field) -> tuple[bool, bool]:
    if text.lower() not in _FLAGS:
        raise ValueError(f"expected yes or no, not {shorten(text)}")
    return _FLAGS[text.lower()], False


def _time(text: str, _: Field) -> tuple[int, bool]:
    try:
        return parse_duration(text), True
    except ValueError:
        pass
    try:
        return parse_instant(_plain(text) if _NUMBER.fullmatch(text) else text), False
    except ValueError:
        raise ValueError(f"expected {DURATION_HINT}, or {INSTANT_HINT}, not {shorten(text)}") from None


def _plain(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _duration(text: str, _: Field) -> tuple[int, bool]:
    if _NUMBER.fullmatch(text):
        seconds = float(text)
        if math.isfinite(seconds) and 0 <= seconds < 2**40:
            return round(seconds * SECOND), False
        raise ValueError(f"expected {DURATION_HINT}, or seconds, not {shorten(text)}")
    return parse_duration(text), False


_READ = {
    FieldKind.ENUM: _enum,
    FieldKind.RANK: _enum,
    FieldKind.NUMBER: _number,
    FieldKind.REF: _ref,
    FieldKind.FLAG: _flag,
    FieldKind.AGE: _time,
    FieldKind.UNTIL: _time,
    FieldKind.DURATION: _duration,
}
