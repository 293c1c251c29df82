"""Of which series a rule expects samples, so that their silence says something."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from trackdesk.domain.errors import Conflict
from trackdesk.domain.metric import EVALUATED_FOR, SeriesKey, canonical_tags
from trackdesk.engine.causes import SELF
from trackdesk.store import samples
from trackdesk.store import series as series_store

if TYPE_CHECKING:
    from trackdesk.domain.metric import Series
    from trackdesk.domain.rule import Rule
    from trackdesk.engine.rule_causes import Turned
    from trackdesk.engine.watching import Watched, Watches
    from trackdesk.store.readers import Readers
    from trackdesk.store.writer import Tx, Writer

log = logging.getLogger(__name__)


async def listen(watches: Watches, watched: Watched, readers: Readers, writer: Writer, now: int) -> list[Turned]:
    """Expect samples of the series that sent some lately, from `now` (µs) on. When the rule names a service and none of
    its series did, expect them of the one that it would have at least. Gives what became of that before."""
    rule = watched.rule
    if rule.no_data_after is None:
        return []
    services = () if rule.service is None else (rule.service,)
    found = await series_store.matching(readers, watched.namespace_id, services, (rule.metric_type,), rule.tags.items())
    newest = await samples.newest(readers, [series.id for series in found])
    least = next((series for series in found if rule.service is not None and series.tags == rule.tags), None)
    if least is not None and least.id not in newest:
        watched.stands_in = watched.pairs.get(least.id)
    since, events = now - max(rule.no_data_after, EVALUATED_FOR), []
    for series in found:
        if series.id in newest and newest[series.id].recorded_at > since:
            pair = watched.pair(series, now)
            watches.schedule(pair)
            if (relieved := watches.relieve(pair, now)) is not None:
                events.append(relieved)
    if rule.service is not None and all(pair.state.heard_at is None for pair in watched.pairs.values()):
        least = least or await _made(writer, watched.namespace_id, rule.service, rule)
        if least is not None:
            watched.stands_in = watched.pair(least, now)
            watched.stands_in.state.heard_at = now
            watches.schedule(watched.stands_in)
    return events


async def _made(writer: Writer, namespace_id: int, service: str, rule: Rule) -> Series | None:
    """None: there are as many series as there may be."""
    key = SeriesKey(service, rule.metric_type, canonical_tags(rule.tags))

    def operation(tx: Tx) -> Series:
        series_store.find_or_make(tx, namespace_id, [key], SELF)
        return series_store.known(tx, namespace_id)[key]

    try:
        return await writer.run(operation)
    except Conflict as error:
        log.warning("the rule %s can't expect %s of %s: %s", rule.id, rule.metric_type, service, error)
        return None
