"""Alerts of other tools: what Prometheus Alertmanager's webhook sends (version 4), and what becomes of it here."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Annotated, Any, Final, Literal, NamedTuple

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from trackdesk.domain.incident import Severity
from trackdesk.domain.instant import parse_rfc3339
from trackdesk.domain.model import MAX_TAGS, Value, clean

MOST_ALERTS: Final = 5_000
"""Alerts of one message."""
TITLE_LENGTH: Final = 255
TEXT_LENGTH: Final = 10_000
NO_END: Final = "0001-01-01T00:00:00Z"
"""What Alertmanager writes for a time that is not known."""

_SEVERITIES: Final = {
    **dict.fromkeys(("critical", "page", "emergency", "fatal", "disaster", "p1"), Severity.CRITICAL),
    **dict.fromkeys(("error", "high", "major", "p2"), Severity.HIGH),
    **dict.fromkeys(("warning", "warn", "medium", "minor", "average", "p3"), Severity.MEDIUM),
    **dict.fromkeys(("info", "informational", "low", "none", "debug", "p4", "p5"), Severity.LOW),
}
SEVERITY_LABELS: Final = ("severity", "priority", "level")
"""The first that says something known."""
_SERVICE_LABELS: Final = ("service", "job")
_DEPARTMENT_LABELS: Final = ("department", "team")
_TITLES: Final = ("summary", "title", "message")
_TEXTS: Final = ("description", "message")
_LINKS: Final = (("runbook", ("runbook_url", "runbook")), ("dashboard", ("dashboard_url", "dashboard")))
_TAG_KEY: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}", re.ASCII)
_FINGERPRINT: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)

_Text = Annotated[str, Field(max_length=65_536), AfterValidator(clean)]
_Texts = Annotated[dict[_Text, _Text], Field(max_length=500)]


class AlertmanagerMessage(BaseModel):
    """The webhook's body. Unknown members are passed over: newer versions may bring some. What is in an alert is
    looked at one by one, so that a bad one does not keep the others from being heard."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal["4"]
    external_url: Annotated[_Text | None, Field(alias="externalURL")] = None
    alerts: Annotated[list[dict[str, Any]], Field(max_length=MOST_ALERTS)]


class Alert(BaseModel):
    """One of them."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    status: Literal["firing", "resolved"]
    labels: _Texts
    annotations: _Texts = {}
    starts_at: Annotated[_Text | None, Field(alias="startsAt")] = None
    ends_at: Annotated[_Text | None, Field(alias="endsAt")] = None
    generator_url: Annotated[_Text | None, Field(alias="generatorURL")] = None
    fingerprint: _Text | None = None


class RefusedAlert(Value):
    """`alert`: its place in the message, from 1."""

    alert: int
    name: str | None = None
    fingerprint: str | None = None
    detail: str


class AlertsTaken(Value):
    """How many opened an incident, were one more occurrence of one, closed one, or changed nothing; and the refused."""

    opened: int
    repeated: int
    closed: int
    unchanged: int
    refused: list[RefusedAlert] = []


class Known(NamedTuple):
    """An alert in our own words."""

    cause: str
    firing: bool
    title: str
    description: str | None
    severity: Severity
    service: str | None
    departments: tuple[str, ...]
    """Those that its labels may mean; the first that exists is taken."""
    tags: dict[str, str]
    started_at: int | None
    """µs."""
    ended_at: int | None


def understand(alert: Alert, external_url: str | None) -> Known:
    """Raises ValueError for times that are none, and for a fingerprint that is no name."""
    labels, annotations = alert.labels, alert.annotations
    return Known(
        cause=f"alert:{_fingerprint(alert)}",
        firing=alert.status == "firing",
        title=_title(labels, annotations),
        description=_description(alert, external_url),
        severity=severity_of(labels),
        service=next((name for label in _SERVICE_LABELS if (name := _label(labels.get(label, "")))), None),
        departments=tuple(name for label in _DEPARTMENT_LABELS if (name := _label(labels.get(label, "")))),
        tags=_tags(labels),
        started_at=_time("startsAt", alert.starts_at),
        ended_at=_time("endsAt", alert.ends_at),
    )


def severity_of(labels: dict[str, str]) -> Severity:
    """MEDIUM where no label says it in a word that is known."""
    words = (labels.get(name, "").strip().lower() for name in SEVERITY_LABELS)
    return next((_SEVERITIES[word] for word in words if word in _SEVERITIES), Severity.MEDIUM)


def _fingerprint(alert: Alert) -> str:
    """Alertmanager's own; of those before 0.20, which send none, one made of the labels."""
    if alert.fingerprint is None:
        return sha256(orjson.dumps(alert.labels, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    if not _FINGERPRINT.fullmatch(alert.fingerprint):
        raise ValueError("fingerprint: expected 1 to 100 of A-Z a-z 0-9 _ . : -")
    return alert.fingerprint


def _title(labels: dict[str, str], annotations: dict[str, str]) -> str:
    said = next((text for name in _TITLES if (text := _one_line(annotations.get(name, "")))), "")
    if not said:
        instance = _one_line(labels.get("instance", ""))
        said = (_one_line(labels.get("alertname", "")) or "alert") + (f" on {instance}" if instance else "")
    return said if len(said) <= TITLE_LENGTH else said[: TITLE_LENGTH - 1] + "…"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _description(alert: Alert, external_url: str | None) -> str | None:
    said = next((text for name in _TEXTS if (text := alert.annotations.get(name, "").strip())), "")
    facts = [
        (word, _one_line(link))
        for word, names in _LINKS
        for link in [next((alert.annotations[name] for name in names if alert.annotations.get(name)), "")]
    ]
    facts += [("graph", _one_line(alert.generator_url or "")), ("alertmanager", _one_line(external_url or ""))]
    facts.append(("labels", " ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))))
    lines = "\n".join(f"{word:<12} {text}" for word, text in facts if text)
    text = "\n\n".join(part for part in (said, lines) if part)
    return (text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - 1] + "…") or None


def _label(text: str) -> str:
    """As names of services and departments may be: Prometheus' own are often `namespace/name`."""
    shown = "".join(char for char in text.replace("/", "-") if char.isprintable())
    return shown.strip()[:100].strip()


def _tags(labels: dict[str, str]) -> dict[str, str]:
    """As many as a thing may have, by name."""
    fitting = [(name, value) for name, value in sorted(labels.items()) if _TAG_KEY.fullmatch(name) and value]
    return {name: value[:256] for name, value in fitting[:MAX_TAGS]}


def _time(name: str, text: str | None) -> int | None:
    if not text or text == NO_END:
        return None
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
