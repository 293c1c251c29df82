"""Samples, and the services that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import hdrs

from trackdesk.contract.metrics import SAMPLES_SEND
from trackdesk.domain.errors import Invalid
from trackdesk.domain.metric import MAX_AHEAD, Draft, Sample, SamplesAccepted
from trackdesk.domain.model import MAX_DEPTH
from trackdesk.engine import metrics, services
from trackdesk.server.limits import too_deep
from trackdesk.server.samples import read_lines, read_many, read_one
from trackdesk.store import sample_lists, service_lists

if TYPE_CHECKING:
    from trackdesk.domain.metric import Recorded
    from trackdesk.domain.page import Page
    from trackdesk.domain.service import Service
    from trackdesk.server.call import Call, Handler


_LINES: Final = SAMPLES_SEND.also_takes


async def send(call: Call) -> Sample | SamplesAccepted:
    engine = call.engine
    try:
        given = await _read(call, engine.clock.now() + MAX_AHEAD)
    except Invalid:
        if too_deep(call.body):  # nothing that is taken nests at all
            raise Invalid("body", f"expected at most {MAX_DEPTH} levels of nesting") from None
        raise
    if isinstance(given, Draft):
        return _sample((await metrics.record(engine, call.caller, (given,)))[0])
    await metrics.record(engine, call.caller, given)
    return SamplesAccepted(accepted=len(given))


async def _read(call: Call, until: int) -> Draft | list[Draft]:
    """What is sent; no time of it may lie after `until` (µs). Raises Invalid."""
    media = call.request.headers.get(hdrs.CONTENT_TYPE)
    if media is not None and media[: len(_LINES)].lower() == _LINES:
        return await read_lines(call.body, until)
    given = read_one(call.body, until)
    return given if isinstance(given, Draft) else await read_many(given, until)


def _sample(made: Recorded) -> Sample:
    series = made.series
    return Sample.trusted(
        id=made.sample_id,
        service=series.service,
        metric_type=series.metric_type,
        value=made.value,
        recorded_at=made.recorded_at,
        tags=series.tags,
    )


async def list_samples(call: Call) -> Page[Sample]:
    engine = call.engine
    return await sample_lists.page(engine.readers, call.caller.namespace_id, call.query, engine.clock.now())


async def latest(call: Call) -> Page[Sample]:
    engine = call.engine
    return await sample_lists.latest(engine.readers, call.caller.namespace_id, call.query, engine.clock.now())


async def list_services(call: Call) -> Page[Service]:
    engine = call.engine
    return await service_lists.page(engine.readers, call.caller.namespace_id, call.query, engine.clock.now())


async def add_service(call: Call) -> Service:
    return await services.add(call.engine, call.caller, call.body)


async def get_service(call: Call) -> Service:
    engine = call.engine
    return await service_lists.get(engine.readers, call.caller.namespace_id, call.path["service"], engine.clock.now())


async def patch_service(call: Call) -> Service:
    return await services.patch(call.engine, call.caller, call.path["service"], call.body, call.if_match)


async def delete_service(call: Call) -> None:
    await services.delete(call.engine, call.caller, call.path["service"])


HANDLERS: Final[dict[str, Handler]] = {
    "metrics.send": send,
    "metrics.list": list_samples,
    "metrics.latest": latest,
    "services.list": list_services,
    "services.add": add_service,
    "services.get": get_service,
    "services.patch": patch_service,
    "services.delete": delete_service,
}
