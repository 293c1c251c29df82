"""What edits by people have in common: members that were given, and the version they were made on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.instant import format_instant

if TYPE_CHECKING:
    from pydantic import BaseModel

    from trackdesk.store.writer import Tx


def given(body: BaseModel) -> dict[str, Any]:
    """The members that the body names, null included."""
    return {name: getattr(body, name) for name in type(body).model_fields if name in body.model_fields_set}


def check_version(tx: Tx, namespace_id: int, topic: str, ref: str, version: int, if_match: int | None) -> None:
    """Raises Conflict `changed`, naming who changed what since."""
    if if_match is None or if_match == version:
        return
    row = tx.one(
        "SELECT actor, kind, at FROM journal WHERE namespace_id = ? AND topic = ? AND ref = ? "
        "ORDER BY seq DESC LIMIT 1",
        (namespace_id, topic, ref),
    )
    who = f"; the last change is {row[1]!r} by {row[0]} at {format_instant(row[2])}" if row else ""
    raise Conflict(f"You changed version {if_match}, but it is version {version} now{who}.", code="changed")


def check_department(tx: Tx, namespace_id: int, department: str | None) -> None:
    """Raises Invalid when there is no such department."""
    if department is None:
        return
    known = tx.all("SELECT id FROM departments WHERE namespace_id = ? ORDER BY id LIMIT 51", (namespace_id,))
    if (department,) in known:
        return
    if len(known) > 50 and tx.one(
        "SELECT 1 FROM departments WHERE namespace_id = ? AND id = ?", (namespace_id, department)
    ):
        return
    names = ", ".join(row[0] for row in known[:50])
    raise Invalid("department", f"expected a department that exists ({names})", department)
