"""Alerts of other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.client.group import Group
from trackdesk.contract import alerts

if TYPE_CHECKING:
    from trackdesk.client.encoding import Body
    from trackdesk.domain.alert import AlertsTaken


class Alerts(Group):
    async def alertmanager(self, body: Body) -> AlertsTaken:
        """A message as Alertmanager sends it."""
        return await self._call(alerts.ALERTMANAGER, body=body)
