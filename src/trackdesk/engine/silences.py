"""Operations on silences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.silence import LONGEST, MOST_STANDING, SilenceState
from trackdesk.engine.edits import check_version, given
from trackdesk.store import noise, silences

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.run import Due
    from trackdesk.domain.silence import ChangeSilence, Matchers, NewSilence, Silence
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx


async def add(engine: Engine, caller: Caller, body: NewSilence) -> Silence:
    """Raises Invalid; Conflict `too_many`."""
    return await engine.writer.run(lambda tx: _add(tx, caller, body))


def _add(tx: Tx, caller: Caller, body: NewSilence) -> Silence:
    check_room(tx, caller.namespace_id)
    from_at = tx.now if body.from_ is None else body.from_
    until_at = _end(body.until, from_at, from_at, tx.now)
    begun = from_at <= tx.now
    due_at = until_at if begun else from_at
    silence_id = silences.insert(
        tx,
        caller.namespace_id,
        {
            "match": _packed(body.match),
            "reason": body.reason,
            "from_at": from_at,
            "until_at": until_at,
            "begun": int(begun),
            "next_due_at": due_at,
            "created_by": caller.actor,
            "departments": orjson.dumps(caller.departments).decode(),
        },
    )
    tx.wake("agenda", due_at)
    made = silences.get(tx, caller.namespace_id, silence_id)
    facts = {
        "match": made.match,
        "from": format_instant(from_at),
        "until": format_instant(until_at),
        "reason": body.reason,
    }
    tx.journal(caller.namespace_id, "silences", "made", str(silence_id), caller.actor, facts)
    return made


def check_room(tx: Tx, namespace_id: int) -> None:
    """Raises Conflict `too_many`."""
    if noise.count(tx, namespace_id) >= MOST_STANDING:
        raise Conflict(
            f"There are {MOST_STANDING} silences and maintenance windows already, each is held against everything that "
            "is told; end some, or let one match more.",
            code="too_many",
        )


def _packed(match: Matchers) -> str:
    return orjson.dumps(match.plain()).decode()


def _end(until: Due, counted_from: int, from_at: int, now: int) -> int:
    """The instant (µs). Raises Invalid for one that has passed, or is too far away."""
    try:
        at = until.resolve(counted_from)
    except ValueError as error:
        raise Invalid("until", str(error)) from None
    if at <= now:
        raise Invalid("until", "expected a time that is yet to come", format_instant(at))
    if at <= from_at:
        raise Invalid("until", "expected a time after from", format_instant(at))
    if at - from_at > LONGEST:
        raise Invalid("until", f"expected at most {format_duration(LONGEST)} after from", format_instant(at))
    return at


async def patch(
    engine: Engine, caller: Caller, silence_id: int, body: ChangeSilence, if_match: int | None = None
) -> Silence:
    """Raises NotFound, Invalid; Conflict `changed`, `ended`, or `begun` for what can't be changed any more."""
    return await engine.writer.run(lambda tx: _patch(tx, caller, silence_id, body, if_match))


def _patch(tx: Tx, caller: Caller, silence_id: int, body: ChangeSilence, if_match: int | None) -> Silence:
    namespace_id = caller.namespace_id
    before = silences.get(tx, namespace_id, silence_id)
    check_version(tx, namespace_id, "silences", str(silence_id), before.version, if_match)
    for name, value in given(body).items():
        if value is None:
            raise Invalid(name.rstrip("_"), "expected a value, not null")
    if before.state == SilenceState.ENDED:
        raise Conflict(f"Silence {silence_id} has ended; make another.", code="ended")
    columns = _changes(tx, before, body)
    if not columns:
        return before
    if "from_at" in columns or "until_at" in columns:
        from_at = columns.get("from_at", before.from_)
        columns["begun"] = int(from_at <= tx.now)
        columns["next_due_at"] = columns.get("until_at", before.until) if columns["begun"] else from_at
        tx.wake("agenda", columns["next_due_at"])
    silences.update(tx, namespace_id, silence_id, columns)
    after = silences.get(tx, namespace_id, silence_id)
    old, new = _facts(before), _facts(after)
    changed = {name: [old[name], new[name]] for name in old if old[name] != new[name]}
    tx.journal(namespace_id, "silences", "changed", str(silence_id), caller.actor, changed)
    return after


def _changes(tx: Tx, before: Silence, body: ChangeSilence) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    begun = before.state == SilenceState.ACTIVE
    from_at = before.from_ if body.from_ is None else body.from_
    if from_at != before.from_:
        columns["from_at"] = from_at
    if body.match is not None and body.match.plain() != before.match:
        columns["match"] = _packed(body.match)
    if begun and columns:
        member = "from" if "from_at" in columns else "match"
        raise Conflict(
            f"Silence {before.id} has begun, so its {member} can't be changed any more; end it and make another.",
            code="begun",
        )
    if body.until is not None:
        until_at = _end(body.until, max(from_at, tx.now), from_at, tx.now)
        if until_at != before.until:
            columns["until_at"] = until_at
    elif "from_at" in columns and before.until <= from_at:
        raise Invalid("from", "expected a time before until", format_instant(from_at))
    if body.reason is not None and body.reason != before.reason:
        columns["reason"] = body.reason
    return columns


def _facts(silence: Silence) -> dict[str, Any]:
    return {
        "match": silence.match,
        "from": format_instant(silence.from_),
        "until": format_instant(silence.until),
        "reason": silence.reason,
    }


async def end(engine: Engine, caller: Caller, silence_id: int) -> None:
    """Now, whatever its time; what it held back is told right after. One that has not begun is gone, one that has
    ended stays as it is. Raises NotFound."""
    await engine.writer.run(lambda tx: _end_now(tx, caller, silence_id))


def _end_now(tx: Tx, caller: Caller, silence_id: int) -> None:
    before = silences.get(tx, caller.namespace_id, silence_id)
    if before.state == SilenceState.ENDED:
        return
    if before.state == SilenceState.PENDING:
        silences.delete(tx, caller.namespace_id, silence_id)
        tx.journal(caller.namespace_id, "silences", "deleted", str(silence_id), caller.actor, _facts(before))
        return
    values = {"until_at": tx.now, "begun": 1, "next_due_at": tx.now, "ended_by": caller.actor}
    silences.update(tx, caller.namespace_id, silence_id, values)
    changed = {"until": [format_instant(before.until), format_instant(tx.now)]}
    tx.journal(caller.namespace_id, "silences", "changed", str(silence_id), caller.actor, changed)
    tx.wake("agenda", tx.now)
