"""What a rule, saved or not, would have opened over the stored samples."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from trackdesk.domain.rule import named_members
from trackdesk.domain.rule_replay import Replay
from trackdesk.domain.rule_trial import MOST_SAMPLES, MOST_SERIES, MOST_SHOWN, USUAL_RANGE, RuleTrial, TryRule
from trackdesk.engine import rulebook
from trackdesk.store import rule_lists, rule_samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.identity import Caller
    from trackdesk.domain.rule import Rule
    from trackdesk.domain.rule_replay import Past
    from trackdesk.domain.rule_trial import TryNewRule, WouldOpen
    from trackdesk.engine.core import Engine

SLICE = 250
"""Samples that are replayed in one go, about 1 ms."""


async def test(engine: Engine, caller: Caller, rule_id: str, body: TryRule | None) -> RuleTrial:
    """Raises NotFound; Invalid, also for a `since` that lies ahead."""
    body = body or TryRule()
    now = engine.clock.now()
    from_at = rulebook.looking_back(body.since, now, USUAL_RANGE)
    stored = await rule_lists.get(engine.readers, caller.namespace_id, rule_id)
    rule = rulebook.changed(stored, named_members(body))
    return await _replay(engine, caller.namespace_id, rule, from_at, now)


async def preview(engine: Engine, caller: Caller, body: TryNewRule) -> RuleTrial:
    """Raises Invalid."""
    now = engine.clock.now()
    from_at = rulebook.looking_back(body.since, now, USUAL_RANGE)
    return await _replay(engine, caller.namespace_id, rulebook.draft(body, now), from_at, now)


async def _replay(engine: Engine, namespace_id: int, rule: Rule, from_at: int, now: int) -> RuleTrial:
    services = await rule_samples.fitting_series(engine.readers, namespace_id, rule, MOST_SERIES + 1)
    many = len(services) > MOST_SERIES
    if many:
        services.popitem()
    lead = max(rule.window or 0, rule.for_ or 0, rule.no_data_after or 0)
    samples = await rule_samples.newest(engine.readers, services, max(from_at - lead, 0), now, MOST_SAMPLES + 1)
    capped = len(samples) > MOST_SAMPLES
    if capped:
        samples = samples[1:]
        from_at = max(from_at, samples[0].recorded_at)
    found, series = await asyncio.to_thread(_go, rule, services, samples, from_at, now)
    return RuleTrial.model_construct(
        count=len(found),
        would_open=found[-MOST_SHOWN:],
        samples=len(samples),
        series=series,
        since=from_at,
        to=now,
        truncated=capped or many,
    )


def _go(
    rule: Rule, services: Mapping[int, str], samples: Sequence[Past], from_at: int, now: int
) -> tuple[list[WouldOpen], int]:
    """On a thread of its own; the others get their turn every millisecond."""
    replay = Replay(rule, services)
    for begin in range(0, len(samples), SLICE):
        replay.feed(samples[begin : begin + SLICE])
        time.sleep(0)
    return replay.finish(from_at, now), replay.series
