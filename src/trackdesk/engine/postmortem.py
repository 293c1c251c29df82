"""Everything that is known of an incident, put together for its post-mortem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.changes import USUAL_WINDOW
from trackdesk.domain.clock import HOUR, MINUTE
from trackdesk.domain.errors import NotFound
from trackdesk.domain.filters import Listing
from trackdesk.domain.instant import format_instant
from trackdesk.domain.metric_chart import ChartFilter
from trackdesk.domain.page import MAX_LIMIT
from trackdesk.domain.postmortem import Curve, Story, postmortem
from trackdesk.domain.rule import condition_words
from trackdesk.domain.text_chart import WIDTH
from trackdesk.store import attachments, changes, incident_lists, metric_charts, process_lists, rule_lists

if TYPE_CHECKING:
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.incident import Incident
    from trackdesk.domain.rule import Rule
    from trackdesk.engine.core import Engine

BEFORE = HOUR
"""µs of the chart before it became true."""
AFTER = 10 * MINUTE
"""µs of the chart after it was closed."""
LONGEST = 24 * HOUR
"""µs of the chart from opening on: what lasts longer is shown by its beginning."""


async def write(engine: Engine, caller: Caller, incident_id: int) -> str:
    """Markdown. Raises NotFound."""
    readers, space, now = engine.readers, caller.namespace_id, engine.clock.now()
    incident = await incident_lists.get(readers, space, incident_id)
    every = Listing(limit=MAX_LIMIT)
    timeline = await incident_lists.timeline(readers, space, incident_id, every)
    comments = await incident_lists.comments(readers, space, incident_id, every)
    files = await attachments.page(readers, space, incident_id, every)
    routing = await incident_lists.routing(readers, space, incident_id)
    before = await changes.changes(readers, space, incident, USUAL_WINDOW)
    rule = await _rule(engine, space, incident)
    story = Story(
        incident=incident,
        now=now,
        timeline=timeline.data,
        comments=comments.data,
        attachments=files.data,
        steps=routing.steps,
        changes=before,
        condition=None if rule is None else condition_words(rule),
        curve=None if rule is None else await _curve(engine, space, incident, rule, now),
        runbook_url=await _runbook(engine, space, incident),
        cut=before.cut or any(page.meta.next is not None for page in (timeline, comments, files)),
    )
    return postmortem(story)


async def _rule(engine: Engine, space: int, incident: Incident) -> Rule | None:
    """The rule as it is now; it may have been deleted meanwhile."""
    if incident.rule is None:
        return None
    try:
        return await rule_lists.get(engine.readers, space, incident.rule)
    except NotFound:
        return None


async def _runbook(engine: Engine, space: int, incident: Incident) -> str | None:
    if incident.process is None:
        return None
    try:
        return (await process_lists.get(engine.readers, space, incident.process)).runbook_url
    except NotFound:
        return None


async def _curve(engine: Engine, space: int, incident: Incident, rule: Rule, now: int) -> Curve | None:
    """The metric from an hour before it became true until shortly after it was closed."""
    if incident.service is None:
        return None
    since = max(min(incident.due_at or incident.opened_at, incident.opened_at) - BEFORE, 0)
    until = min((incident.closed_at or now) + AFTER, incident.opened_at + LONGEST, now + 1)
    given = ChartFilter.model_validate(
        {
            "service": [incident.service],
            "metric_type": rule.metric_type,
            "tag": [f"{key}:{value}" for key, value in rule.tags.items()],
            "from": format_instant(since),
            "to": format_instant(max(until, since + MINUTE)),
            "points": WIDTH,
        }
    )
    chart = await metric_charts.chart(engine.readers, space, given, now)
    falling = rule.operator is not None and rule.operator.startswith("<")
    values = [point.min if falling else point.max for point in chart.data]
    word = "least" if falling else "greatest"
    title = f"{rule.metric_type} of {incident.service}, the {word} in each {WIDTH}th of the time"
    return Curve(title, values, chart.meta.from_, chart.meta.to, incident.threshold)
