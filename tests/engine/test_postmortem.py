"""The story of an incident, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.engine.house import ALICE, CALLER
from trackdesk.domain.clock import MINUTE, SECOND
from trackdesk.domain.incident import ChangeIncident, IncidentStatus, NewComment, NewIncident
from trackdesk.domain.rule import NewRule
from trackdesk.engine import incidents, postmortem, rulebook
from trackdesk.store import incidents as rows
from trackdesk.store import samples, services

if TYPE_CHECKING:
    from tests.engine.house import House
    from trackdesk.store.writer import Tx


async def test_a_failed_run_is_told_from_its_beginning_to_its_end(still: House) -> None:
    await still.expect("backup", service="crm", runbook_url="https://run.book/backup")
    still.clock.leap(90 * SECOND)
    run = await still.start("backup", id="n1", triggered_by="cron")
    still.clock.leap(5 * SECOND)
    await still.fail(run, "disk | full")
    still.clock.leap(60 * SECOND)
    await incidents.patch(still.engine, ALICE, 1, ChangeIncident(status=IncidentStatus.TRIAGED, assignee="alice"))
    await incidents.comment(still.engine, ALICE, 1, NewComment(content="# looking\n```\n\x1b[31mred"))
    still.clock.leap(600 * SECOND)
    await incidents.patch(still.engine, ALICE, 1, ChangeIncident(status=IncidentStatus.CLOSED))
    text = await postmortem.write(still.engine, CALLER, 1)
    assert text.startswith("# INC-1: backup failed: disk \\| full\n")
    for line in (
        "| Status | CLOSED, HIGH |",
        "| Time to acknowledge | 1m |",
        "| Time to close | 11m |",
        "| Runbook | https://run.book/backup |",
        "- It lasted 11m.",
        "- 2026-09-21 14:14:55 UTC opened, by trackdesk",
        "- 2026-09-21 14:14:50 UTC backup/n1 started, by cron",
        "- alice@host (via desk) took it, commented, closed it",
        "# looking",
        "\\e[31mred",
    ):
        assert f"\n{line}\n" in text, f"{line}\n\n{text}"
    assert "\x1b" not in text
    assert "## Metric" not in text


async def test_the_metric_of_a_rule_is_drawn_around_the_breach(still: House) -> None:
    body = NewRule.model_validate_json('{"id": "cpu", "metric_type": "CPU", "operator": ">", "threshold": 80}')
    await rulebook.add(still.engine, CALLER, body)
    now = still.now

    def breach(tx: Tx) -> None:
        service = services.find_or_make(tx, 1, ["crm"], "test")["crm"]
        tx.execute("INSERT INTO series (namespace_id, service_id, metric_type) VALUES (1, ?, 'CPU')", (service,))
        values = [(number, 1, now - (60 - number) * MINUTE, 95.0 if number > 50 else 20.0) for number in range(1, 61)]
        samples.insert(tx, values)
        known = {"origin": "rule", "severity": "HIGH", "title": "CPU is high", "service": "crm", "rule": "cpu"}
        rows.insert(tx, 1, "rule:cpu:crm", {**known, "department": "default", "value": 95.0, "threshold": 80.0})

    await still.engine.writer.run(breach)
    text = await postmortem.write(still.engine, CALLER, 1)
    assert "| Condition | CPU \\> 80 |" in text
    assert "- The value that opened it was 95, where the limit is 80." in text
    chart = text.partition("## Metric")[2].partition("## ")[0].splitlines()
    assert chart[3] == "CPU of crm, the greatest in each 60th of the time"
    assert chart[4].startswith("        95 ┤")
    assert chart[4].rstrip().endswith("█")
    assert any(line.startswith("        80 ┤╌") for line in chart)
    assert "▲ opened, ╌ threshold" in chart


async def test_a_report_about_nothing_is_short(still: House) -> None:
    await incidents.report(still.engine, ALICE, NewIncident(title="Invoices arrive twice"))
    text = await postmortem.write(still.engine, CALLER, 1)
    assert [line for line in text.splitlines() if line.startswith("##")] == [
        "## Summary",
        "## Impact",
        "## Timeline",
        "## Who did what",
        "## Who was told",
        "## Cause and what we do about it",
    ]
