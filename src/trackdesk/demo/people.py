"""The people of the company: they take incidents, say what they find, and close what nobody else closes."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from trackdesk.demo.company import PEOPLE, REPORTS
from trackdesk.demo.fate import luck
from trackdesk.domain.clock import MINUTE, SECOND
from trackdesk.domain.incident import IncidentStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackdesk.client import Client
    from trackdesk.demo.company import Job, Person, Report
    from trackdesk.demo.diary import Diary
    from trackdesk.demo.fate import Fate
    from trackdesk.domain.incident import Incident

_WEIGHTS = ("MEDIUM", "HIGH", "HIGH", "CRITICAL")
_LOOKS = 0.45
"""The share of troubles that somebody looks at; the rest is left to whoever sits at the console."""


class People:
    """`clients` make calls in a person's name."""

    def __init__(self, client_of: Callable[[Person], Client], diary: Diary, *, seed: int, present: int) -> None:
        self._clients = {person.name: client_of(person) for person in PEOPLE}
        self._by_department = {person.department: person for person in PEOPLE}
        self._diary = diary
        self._seed = seed
        self.present = present

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    def hear(self, job: Job, at: int, lot: Fate) -> None:
        """There will be trouble with a run at the instant `at`."""
        draw = luck(self._seed, job.name, lot.id, "person")
        person = self._by_department.get(job.department)
        if person is None or draw.random() > _LOOKS:
            return
        wait = draw.randint(2, 14) * MINUTE if at < self.present else draw.randint(12, 40) * SECOND
        self._diary.note(at + wait, partial(self._look, person, job), exact=True)

    def plan_reports(self) -> None:
        """What no machine saw."""
        for report in REPORTS:
            self._diary.note(self.present - report.ago, partial(self._report, report), exact=True)

    async def _report(self, report: Report) -> None:
        body = {"title": report.title, "description": report.description, "severity": report.severity}
        body |= {"service": report.service, "department": report.department}
        client = self._clients[report.by]
        made = await client.incidents.report(body)
        if report.file is not None:
            name, content = report.file
            await client.attachments.add(made.id, name, BytesIO(content.encode()))

    async def _look(self, person: Person, job: Job) -> None:
        client = self._clients[person.name]
        found = (await client.incidents.list({"process": job.name, "status": IncidentStatus.OPEN, "limit": 1})).data
        if not found:
            return  # it has passed by itself
        incident = found[0]
        draw = luck(self._seed, incident.id, person.name)
        change = {"status": IncidentStatus.TRIAGED, "assignee": person.name, "severity": draw.choice(_WEIGHTS)}
        await client.incidents.patch(incident.id, change)
        wait = draw.randint(3, 9) * (MINUTE if self._diary.clock.now() < self.present else 5 * SECOND)
        self._diary.note(self._diary.clock.now() + wait, partial(self._say, person, incident), exact=True)

    async def _say(self, person: Person, incident: Incident) -> None:
        client, draw = self._clients[person.name], luck(self._seed, incident.id, "say")
        await client.comments.add(incident.id, {"content": draw.choice(person.finds)})
        now = await client.incidents.get(incident.id)
        if now.status == IncidentStatus.TRIAGED:
            step = IncidentStatus.CLOSED if draw.random() < 0.4 else IncidentStatus.IN_PROGRESS
            await client.incidents.patch(incident.id, {"status": step})
