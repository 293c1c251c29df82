"""What refers to a thing that is to be deleted, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from trackdesk.domain.incident import incident_ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.store.writer import Tx

NAMED = 3
"""How many of each kind are named; the rest is counted."""


class Referring(NamedTuple):
    """`source` is a FROM text with its WHERE; `column` is what one of its rows is called by."""

    kind: str
    plural: str
    column: str
    source: str


def in_words(tx: Tx, kinds: Sequence[Referring], params: Sequence[Any]) -> list[str]:
    """`process nightly-backup`, `open incidents INC-1, INC-2 and 5 more`; `params` are those of every source."""
    phrases = []
    for kind, plural, column, source in kinds:
        sql = f"SELECT {column}, count(*) OVER () FROM {source} ORDER BY {column} LIMIT {NAMED}"
        rows = tx.all(sql, params)
        if rows:
            names = [incident_ref(row[0]) if isinstance(row[0], int) else str(row[0]) for row in rows]
            count = rows[0][1]
            more = f" and {count - len(names)} more" if count > len(names) else ""
            phrases.append(f"{kind if count == 1 else plural} {', '.join(names)}{more}")
    return phrases
