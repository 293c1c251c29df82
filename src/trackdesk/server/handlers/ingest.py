"""Many lines in one request, read, checked and taken chunk by chunk while they arrive."""

from __future__ import annotations

import asyncio
import logging
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Final, Union

from pydantic import Field, TypeAdapter, ValidationError

from trackdesk.contract.ingest import INGEST
from trackdesk.domain.errors import Invalid, TrackdeskError
from trackdesk.domain.ingest import MAX_REFUSED, Ingested, RefusedLine
from trackdesk.domain.metric import OTHER_NAMES
from trackdesk.domain.plain_log import PlainLogs, plain_log, plain_logs
from trackdesk.domain.plain_metric import plain_metric
from trackdesk.domain.plain_start import plain_start
from trackdesk.domain.wording import field_errors
from trackdesk.engine import ingest
from trackdesk.engine.ingest import CHUNK, KINDS, Item
from trackdesk.server import problems
from trackdesk.server.lines import MAX_LINE, Splitter, pieces
from trackdesk.store import once as first_answers
from trackdesk.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trackdesk.domain.once import Once
    from trackdesk.engine.ingest import Taken
    from trackdesk.server.call import Call, Handler

log = logging.getLogger(__name__)

_TURN: Final = 256
"""Lines after which others get their turn."""
_DETAIL: Final = 400
"""Characters that are said about one line."""
_HINTED: Final = 20
"""Refused lines whose unknown members are compared with the known ones, which takes longer than to refuse a line."""
_WEIGHED: Final = 2_048
"""Bytes that weigh as much as a log line."""
_WEIGHTS: Final = {name: kind.weight for name, kind in KINDS.items()}


@cache
def _validate() -> Callable[[bytes], Any]:
    """Made at first use: a server that nobody sends lines to needs no models for them."""
    any_kind: Any = Union[tuple(kind.model for kind in KINDS.values())]  # noqa: UP007 - made of a table
    return TypeAdapter[Any](Annotated[any_kind, Field(discriminator="kind")]).validator.validate_json


def _refusal(error: ValidationError, raw: bytes, hinted: bool) -> Invalid:
    """In the words of every other refusal; pydantic puts the kind of line before each field."""
    first = error.errors(include_url=False, include_context=True, include_input=True)[0]
    if first["type"] == "union_tag_not_found":
        return Invalid("kind", f"is required: one of {', '.join(KINDS)}")
    if first["type"] == "union_tag_invalid":
        return Invalid("kind", f"expected one of {', '.join(KINDS)}", first["ctx"]["tag"])
    kind = KINDS.get(str(first["loc"][0])) if hinted and first["loc"] else None
    model = None if kind is None else dict[str, kind.model]  # type: ignore[name-defined]
    told = []
    for each in field_errors(error, raw, OTHER_NAMES if first["loc"][:1] == ("metric",) else {}, model):
        head, dot, field = each.field.partition(".")
        if f"{head}.{field.partition('.')[0]}" in KINDS:
            _, dot, field = field.partition(".")
        told.append(f"{field}: {each.message}" if dot else each.message.replace("at line 1 column", "at column"))
    return Invalid("line", "; ".join(told))


class _Request:
    """One request while its lines are taken."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._numbers = 0
        self._chunk: list[Item] = []
        self._weight = 0
        self.accepted = self._duplicates = self._left_out = 0
        self._refused: list[RefusedLine] = []

    async def take(self, lines: Sequence[bytes]) -> None:
        """Check each line, and hand on every chunk that is full."""
        for begin in range(0, len(lines), _TURN):
            some = lines[begin : begin + _TURN]
            logs = plain_logs(some) if max(map(len, some)) < _WEIGHED else None
            if logs is None:
                await self._take_each(some)
            else:
                self._chunk.append(Item(self._numbers + 1, logs))
                self._numbers += len(some)
                self._weight += len(some) * _WEIGHTS["log"]
                if self._weight >= CHUNK:
                    await self._hand_on()
            await asyncio.sleep(0)

    async def _take_each(self, lines: Sequence[bytes]) -> None:
        validate, chunk, weight = _validate(), self._chunk, self._weight
        number = self._numbers
        for raw in lines:
            number += 1
            line: Any = plain_log(raw) if len(raw) <= MAX_LINE else None
            if line is None:  # not one of those that come by the thousand
                if not raw or raw.isspace():
                    continue
                if len(raw) > MAX_LINE:
                    self._refuse(number, Invalid("line", f"expected at most {MAX_LINE} bytes"))
                    continue
                try:
                    line = plain_metric(raw) or plain_start(raw) or validate(raw)
                except ValidationError as error:
                    self._refuse(number, _refusal(error, raw, len(self._refused) < _HINTED))
                    continue
            chunk.append(Item(number, line))
            weight += _WEIGHTS[line.kind] + len(raw) // _WEIGHED
            if weight >= CHUNK:
                await self._hand_on()
                chunk, weight = self._chunk, 0
        self._numbers, self._weight = number, weight

    async def end(self) -> Ingested:
        """What became of all of them."""
        await self._hand_on()
        self._refused.sort(key=lambda each: each.line)
        return Ingested(
            accepted=self.accepted,
            duplicates=self._duplicates,
            refused=self._refused,
            refused_left_out=self._left_out,
        )

    async def _hand_on(self) -> None:
        """The next chunk waits for this one: what both would save by overlapping, two threads that want the
        interpreter lose again."""
        items, self._chunk, self._weight = self._chunk, [], 0
        if not items:
            return
        taken = await self._taken(items)
        self.accepted += taken.accepted
        self._duplicates += taken.duplicates
        for number, error in taken.refused:
            self._refuse(number, error)

    async def _taken(self, items: list[Item]) -> Taken:
        """A chunk that can't be written is done again line by line, to find the one that it fails for."""
        call = self._call
        try:
            return await ingest.take(call.engine, call.caller, items)
        except (StoreError, TrackdeskError):
            raise
        except Exception as error:
            if len(items) == 1 and type(items[0].line) is not PlainLogs:
                fault = problems.as_error(error, call.request_id, INGEST.name)
                return ingest.Taken(0, 0, [(items[0].number, fault)], set(), set())
            log.warning("request %s: a chunk is taken line by line", call.request_id)
        each = [await self._taken([item]) for item in ingest.one_by_one(items)]
        return ingest.Taken(
            sum(taken.accepted for taken in each),
            sum(taken.duplicates for taken in each),
            [refused for taken in each for refused in taken.refused],
            set(),
            set(),
        )

    def _refuse(self, number: int, error: TrackdeskError) -> None:
        if len(self._refused) >= MAX_REFUSED:
            self._left_out += 1
            return
        detail = error.detail.removeprefix("line: ")
        shown = detail if len(detail) <= _DETAIL else detail[: _DETAIL - 1] + "…"
        self._refused.append(RefusedLine(line=number, code=error.code, detail=shown))


async def send(call: Call) -> Ingested:
    """Errors of the request as a whole say how many lines were taken before."""
    engine, once = call.engine, call.once
    first = None if once is None else await _first_answer(call, once)
    digest = sha256(b"" if once is None else once.fingerprint.encode())
    splitter, request = Splitter(), _Request(call)
    try:
        async for piece in pieces(call.request, INGEST.max_body):
            if once is not None:
                digest.update(piece)
            if first is None:
                await request.take(splitter.feed(piece))
        if once is not None:
            once = once._replace(fingerprint=digest.hexdigest())
        if first is not None and once is not None:
            answer = await engine.writer.run(lambda tx: first_answers.recall(tx, once))
            return Ingested.model_validate_json(answer or first)
        await request.take([splitter.last()])
        result = await request.end()
    except ConnectionError:
        raise
    except Exception as error:
        raise _told(problems.as_error(error, call.request_id, INGEST.name), request.accepted) from error
    if once is not None:
        kept = result.model_dump_json().encode()
        await engine.writer.run(lambda tx: first_answers.remember(tx, once, INGEST.status, kept))
    return result


async def _first_answer(call: Call, once: Once) -> bytes | None:
    """Whether the key was used before is known at the start; whether for the same body only at its end."""
    return await call.engine.writer.run(lambda tx: first_answers.peek(tx, once))


def _told(error: TrackdeskError, accepted: int) -> TrackdeskError:
    if accepted:
        error.detail += f" {accepted} {'line before that was' if accepted == 1 else 'lines before that were'} taken."
    return error


HANDLERS: Final[dict[str, Handler]] = {INGEST.name: send}
