"""Pieces of WHERE: conditions as SQL text made of constants, with every value bound."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import orjson

from trackdesk.domain.q import WORD, FieldKind, Op, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from trackdesk.domain.q import Field

_TOKEN = re.compile(r"[^\W_]+")
_AFTER_ALL = "\U0010ffff"


class Part(NamedTuple):
    """A condition and the values of its `?`, in order."""

    sql: str
    params: tuple[object, ...] = ()


NEVER = Part("0")


def every(parts: Iterable[Part]) -> Part:
    """All of `parts`; of none: always true."""
    listed = tuple(parts)
    text = " AND ".join(part.sql for part in listed) or "1"
    return Part(text, tuple(value for part in listed for value in part.params))


def either(parts: Iterable[Part]) -> Part:
    """Any of `parts`; of none: never true."""
    listed = tuple(parts)
    if len(listed) == 1:
        return listed[0]
    text = " OR ".join(part.sql for part in listed) or "0"
    return Part(f"({text})", tuple(value for part in listed for value in part.params))


def negate(part: Part) -> Part:
    """True also where the condition is NULL: a run without a service is not of service `web`."""
    return Part(f"NOT ifnull(({part.sql}), 0)", part.params)


def one_of(column: str, values: Sequence[object]) -> Part:
    if len(values) == 1:
        return Part(f"{column} = ?", tuple(values))
    return Part(f"{column} IN ({', '.join('?' * len(values))})", tuple(values)) if values else NEVER


def among(column: str, numbers: Iterable[int]) -> Part:
    """For many numbers: one bound value, so that the statement's text stays the same."""
    return Part(f"{column} IN (SELECT value FROM json_each(?))", (orjson.dumps(list(numbers)).decode(),))


def begins(column: str, prefix: str) -> Part:
    """As a range, which an index can serve and which knows no wildcards."""
    if not prefix:
        return Part(f"{column} IS NOT NULL")
    return Part(f"({column} >= ? AND {column} < ?)", (prefix, prefix + _AFTER_ALL))


def contains(column: str, text: str) -> Part:
    r"""Case-insensitive for ASCII; `%`, `_` and `\` in `text` mean themselves."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return Part(f"{column} LIKE ? ESCAPE '\\'", (f"%{escaped}%",))


def between(column: str, after: int | None, before: int | None) -> list[Part]:
    """`after` inclusive, `before` exclusive, both µs."""
    parts = []
    if after is not None:
        parts.append(Part(f"{column} >= ?", (after,)))
    if before is not None:
        parts.append(Part(f"{column} < ?", (before,)))
    return parts


def words_of(text: str) -> list[str]:
    return text.split()


def full_text(text: str, column: str | None = None) -> str | None:
    """An FTS5 expression for the words of `text`, each also as a prefix; None when it has no letters or digits."""
    tokens = _TOKEN.findall(text)
    if not tokens:
        return None
    expression = " AND ".join(f'"{token}"*' for token in tokens)
    return f"{{{column}}} : ({expression})" if column else expression


def newest_found(words: str, rows: str, key: str) -> str:
    """The statement that gives the newest rows of a namespace that an FTS5 expression finds in the index `words` of the
    table `rows`; binds expression, namespace and how many. Where there is one namespace, no row is looked at."""
    return (
        f"SELECT rowid FROM {words} WHERE {words} MATCH ? AND ((SELECT count(*) FROM namespaces) = 1 "
        f"OR (SELECT namespace_id FROM {rows} WHERE {key} = {words}.rowid) = ?) ORDER BY rowid DESC LIMIT ?"
    )


def compared(column: str, op: Op, value: object) -> Part:
    """`op` comes from the grammar, never from the caller's text."""
    return Part(f"{column} {op} ?", (value,))


_TURNED = {Op.LESS: Op.MORE, Op.MORE: Op.LESS, Op.AT_MOST: Op.AT_LEAST, Op.AT_LEAST: Op.AT_MOST}


def instant_term(column: str, term: Term, kind: FieldKind, now: int) -> Part:
    """Younger than an age is later than an instant, so the comparison turns; less time left does not."""
    value = int(term.value)
    if not term.relative:
        return compared(column, term.op, value)
    if kind is FieldKind.AGE:
        return compared(column, _TURNED[term.op], now - value)
    return compared(column, term.op, now + value)


def column_term(column: str, term: Term, kind: FieldKind, now: int) -> Part:
    """A positive reading of `term` on a column that holds what its kind says (a FLAG as 0 or 1)."""
    if kind in {FieldKind.AGE, FieldKind.UNTIL}:
        return instant_term(column, term, kind, now)
    if kind is FieldKind.WORDS:
        return every(contains(column, word) for word in words_of(str(term.value)))
    if kind is FieldKind.FLAG:
        return Part(f"{column} = ?", (int(term.value),))
    if term.op is Op.PREFIX:
        return begins(column, str(term.value))
    return compared(column, term.op, term.value)


def any_of(group: Iterable[Term], read: Callable[[Term], Part]) -> Part:
    """Terms of one field: any of the positive ones as `read` reads them, and none of the others."""
    listed = list(group)
    wanted = [read(term) for term in listed if not term.negated]
    without = [negate(read(term)) for term in listed if term.negated]
    return every([*([either(wanted)] if wanted else []), *without])


class Terms:
    """The terms of one `q`, taken field by field: values of a field are any-of, all else must hold together."""

    def __init__(self, terms: Sequence[Term], fields: Mapping[str, Field], now: int) -> None:
        self.now = now
        self._fields = fields
        self._left: dict[tuple[str, str], list[Term]] = {}
        for term in terms:
            self._left.setdefault((term.field, term.key), []).append(term)

    def take(self, field: str) -> list[list[Term]]:
        """The terms of `field`, one list for each tag key (other fields have one list at most); they count as done."""
        keys = [key for key in self._left if key[0] == field]
        return [self._left.pop(key) for key in keys]

    def words(self) -> tuple[list[str], list[str]]:
        """Bare words: those to find, and those that must not be there."""
        terms = [term for group in self.take(WORD) for term in group]
        wanted = [word for term in terms if not term.negated for word in words_of(str(term.value))]
        return wanted, [str(term.value) for term in terms if term.negated]

    def choice(self, field: str) -> frozenset[str] | None:
        """Which values of an ENUM or RANK are left; None without a term on it."""
        groups = self.take(field)
        if not groups:
            return None
        values = self._fields[field].values
        allowed = set(values)
        equal = {str(term.value) for term in groups[0] if term.op is Op.IS and not term.negated}
        if equal:
            allowed &= equal
        for term in groups[0]:
            if term.negated or term.op is not Op.IS:
                allowed = {value for value in allowed if _ranks(values, value, term) != term.negated}
        return frozenset(allowed)

    def peek(self, field: str) -> list[Term]:
        """The terms of `field`, without taking them."""
        return [term for key, group in self._left.items() if key[0] == field for term in group]

    def choice_of_flag(self, field: str, given: bool | None) -> bool | None:
        """A FLAG from `q` and from its own parameter; None when neither says anything, or `q` says both."""
        said = {bool(term.value) != term.negated for group in self.take(field) for term in group}
        if given is not None:
            return given
        return said.pop() if len(said) == 1 else None

    def exact(self, field: str) -> list[str] | None:
        """The any-of values of a text field when they are whole values only; other terms on it stay."""
        group = self._left.get((field, ""), [])
        positive = [term for term in group if not term.negated]
        if not positive or any(term.op is not Op.IS for term in positive):
            return None
        self._left[field, ""] = [term for term in group if term.negated]
        return [str(term.value) for term in positive]

    def parts(self, columns: Mapping[str, str]) -> tuple[list[Part], list[Part]]:
        """What is left, on `columns` (field → column): conditions that narrow, and negations."""
        narrow: list[Part] = []
        loose: list[Part] = []
        for (field, _), group in self._left.items():
            kind, column = self._fields[field].kind, columns[field]
            read = [(term, column_term(column, term, kind, self.now)) for term in group]
            any_of = [part for term, part in read if not term.negated and term.op in {Op.IS, Op.PREFIX}]
            if any_of:
                narrow.append(either(any_of))
            narrow += [part for term, part in read if not term.negated and term.op not in {Op.IS, Op.PREFIX}]
            loose += [negate(part) for term, part in read if term.negated]
        self._left.clear()
        return narrow, loose


def _ranks(values: Sequence[str], value: str, term: Term) -> bool:
    place, mark = values.index(value), values.index(str(term.value))
    return {
        Op.MORE: place > mark,
        Op.AT_LEAST: place >= mark,
        Op.LESS: place < mark,
        Op.AT_MOST: place <= mark,
    }.get(term.op, place == mark)


def meet(
    first: Sequence[str] | frozenset[str] | None, second: Sequence[str] | frozenset[str] | None
) -> list[str] | None:
    """What two any-of lists have in common, None being "everything"."""
    if first is None or second is None:
        given = first if second is None else second
        return None if given is None else list(dict.fromkeys(given))
    return [value for value in dict.fromkeys(first) if value in second]
