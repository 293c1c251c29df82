"""Alerts of Prometheus, said in our own words."""

from __future__ import annotations

from typing import Any

import pytest

from trackdesk.domain.alert import Alert, understand
from trackdesk.domain.incident import Severity


def known(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, **more: Any) -> Any:
    given = {"status": "firing", "labels": labels or {}, "annotations": annotations or {}, "fingerprint": "f1", **more}
    return understand(Alert.model_validate(given), "https://am.example.org")


@pytest.mark.parametrize(
    ("labels", "severity"),
    [
        ({}, Severity.MEDIUM),
        ({"severity": "Critical"}, Severity.CRITICAL),
        ({"severity": "page"}, Severity.CRITICAL),
        ({"severity": "error"}, Severity.HIGH),
        ({"severity": "warning"}, Severity.MEDIUM),
        ({"severity": "info"}, Severity.LOW),
        ({"severity": "purple"}, Severity.MEDIUM),
        ({"severity": "purple", "priority": "P1"}, Severity.CRITICAL),
    ],
)
def test_a_severity_is_read_from_the_labels(labels: dict[str, str], severity: Severity) -> None:
    assert known(labels).severity == severity


def test_the_title_is_the_summary_or_the_name_and_where() -> None:
    assert known({"alertname": "DiskFull"}, {"summary": "n1 is\nfull"}).title == "n1 is full"
    assert known({"alertname": "DiskFull", "instance": "n1:9100"}).title == "DiskFull on n1:9100"
    assert known().title == "alert"
    assert len(known({}, {"summary": "x" * 999}).title) == 255


def test_the_description_has_runbook_graph_and_labels() -> None:
    notes = {"description": "90 % used", "runbook_url": "https://run.book"}
    text = known({"alertname": "DiskFull"}, notes, generatorURL="http://prom/graph?g0").description
    assert text.splitlines() == [
        "90 % used",
        "",
        "runbook      https://run.book",
        "graph        http://prom/graph?g0",
        "alertmanager https://am.example.org",
        "labels       alertname=DiskFull",
    ]


def test_service_and_department_come_from_labels() -> None:
    assert known({"job": "node", "service": "db"}).service == "db"
    assert known({"job": "monitoring/node"}).service == "monitoring-node"
    assert known({"job": " /\u202e "}).service == "-"
    assert known({"team": "ops"}).departments == ("ops",)


def test_an_alert_without_a_fingerprint_has_one_of_its_labels() -> None:
    one, other = [
        known({"a": "1", "b": "2"}, fingerprint=None).cause,
        known({"b": "2", "a": "1"}, fingerprint=None).cause,
    ]
    assert one == other != known({"a": "1"}, fingerprint=None).cause


def test_times_are_read_and_the_one_that_means_none_is_none() -> None:
    assert known(startsAt="2026-01-02T03:04:05.123456789Z").started_at == 1_767_323_045_123_456
    assert known(endsAt="0001-01-01T00:00:00Z").ended_at is None
    with pytest.raises(ValueError, match="startsAt: expected"):
        known(startsAt="yesterday")
