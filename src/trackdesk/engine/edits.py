"""What edits by people have in common: members that were given, and the version they were made on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.instant import format_instant
from trackdesk.store import departments, journal

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
    last = journal.last_change(tx, namespace_id, topic, ref)
    who = f": {last.actor} changed {last.what} at {format_instant(last.at)}" if last else ""
    raise Conflict(f"You changed version {if_match}, but it is version {version} now{who}.", code="changed")


def check_department(tx: Tx, namespace_id: int, department: str | None) -> None:
    """Raises Invalid when there is no such department."""
    if department is None or departments.find(tx, namespace_id, department):
        return
    names = ", ".join(departments.ids(tx, namespace_id, limit=50))
    raise Invalid("department", f"expected a department that exists ({names})", department)
