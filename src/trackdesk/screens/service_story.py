"""What is said of a service in words, and what is drawn into its charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.widgets.cells import ago
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.plot import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackdesk.domain.incident import Incident
    from trackdesk.domain.rule import Rule
    from trackdesk.domain.service import Service
    from trackdesk.widgets.facts import Fact
    from trackdesk.widgets.glyphs import Role

LIMITS = 3
"""Thresholds that one chart shows."""
_ROLES: dict[str, Role] = {"CRITICAL": "fail", "HIGH": "fail", "MEDIUM": "late", "LOW": "dim"}


def facts(service: Service) -> tuple[str, list[Fact], str]:
    """Title, facts and text."""
    incidents = service.open_incidents
    shown: list[Fact] = [
        ("", Toned(f"{incidents:,} open incident{'' if incidents == 1 else 's'}", "fail") if incidents else None),
        ("last sample", ago(service.last_sample_at)),
        ("metrics", f"{len(service.metric_types):,}" if service.metric_types else None),
        ("department", service.department),
        ("depends on", ", ".join(service.depends_on)),
    ]
    return service.description or "", shown, ""


def thresholds(rules: Iterable[Rule]) -> list[tuple[str, float]]:
    """Those of the rules that are on, the most important first."""
    wanted = sorted((rule for rule in rules if rule.enabled and rule.threshold is not None), key=lambda r: r.priority)
    return [(rule.name, rule.threshold) for rule in wanted[:LIMITS] if rule.threshold is not None]


def spans(incidents: Iterable[Incident]) -> list[Span]:
    """When incidents were open, each once."""
    known = {each.id: each for each in incidents}
    return [
        Span(each.opened_at, each.closed_at, each.ref, _ROLES.get(each.severity, "late")) for each in known.values()
    ]


def measured_by(rule: Rule, service: str | None) -> dict[str, Any]:
    """The query of a chart of what `rule` looks at, of one service or of all."""
    query: dict[str, Any] = {"metric_type": rule.metric_type}
    if service is not None:
        query["service"] = service
    if rule.tags:
        query["tag"] = [f"{key}:{value}" for key, value in rule.tags.items()]
    return query
