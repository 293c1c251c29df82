"""Incidents and their comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.client.group import Group
from trackdesk.contract import incident_views, triage

if TYPE_CHECKING:
    from trackdesk.client.encoding import Body, Query
    from trackdesk.domain.changes import Changes
    from trackdesk.domain.incident import BulkResults, Comment, Incident, JournalEntry, Routing
    from trackdesk.domain.incident_stats import IncidentStats
    from trackdesk.domain.page import Page


class Incidents(Group):
    """`incident` is a number or `INC-42`."""

    async def list(self, query: Query = None) -> Page[Incident]:
        return await self._call(triage.INCIDENT_LIST, query=query)

    async def report(self, body: Body, *, idempotency_key: str | None = None) -> Incident:
        return await self._call(triage.INCIDENT_REPORT, body=body, idempotency_key=idempotency_key)

    async def get(self, incident: int | str) -> Incident:
        return await self._call(triage.INCIDENT_GET, path={"incident": incident})

    async def patch(self, incident: int | str, body: Body, *, if_match: int | None = None) -> Incident:
        return await self._call(triage.INCIDENT_PATCH, path={"incident": incident}, body=body, if_match=if_match)

    async def delete(self, incident: int | str) -> None:
        await self._call(triage.INCIDENT_DELETE, path={"incident": incident})

    async def bulk(self, body: Body) -> BulkResults:
        return await self._call(triage.INCIDENT_BULK, body=body)

    async def timeline(self, incident: int | str, query: Query = None) -> Page[JournalEntry]:
        return await self._call(triage.INCIDENT_TIMELINE, path={"incident": incident}, query=query)

    async def stats(self, query: Query = None) -> IncidentStats:
        return await self._call(incident_views.INCIDENT_STATS, query=query)

    async def changes(self, incident: int | str, query: Query = None) -> Changes:
        return await self._call(incident_views.INCIDENT_CHANGES, path={"incident": incident}, query=query)

    async def postmortem(self, incident: int | str) -> str:
        """Markdown."""
        endpoint = incident_views.INCIDENT_POSTMORTEM
        return (await self._client.send(endpoint, path={"incident": incident})).decode()

    async def routing(self, incident: int | str) -> Routing:
        return await self._call(triage.INCIDENT_ROUTING, path={"incident": incident})


class Comments(Group):
    async def list(self, incident: int | str, query: Query = None) -> Page[Comment]:
        return await self._call(triage.COMMENT_LIST, path={"incident": incident}, query=query)

    async def add(self, incident: int | str, body: Body, *, idempotency_key: str | None = None) -> Comment:
        path = {"incident": incident}
        return await self._call(triage.COMMENT_ADD, path=path, body=body, idempotency_key=idempotency_key)

    async def delete(self, incident: int | str, comment: int) -> None:
        await self._call(triage.COMMENT_DELETE, path={"incident": incident, "comment": comment})
