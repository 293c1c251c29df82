"""All that is set up at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.client.group import Group
from trackdesk.contract import configuration

if TYPE_CHECKING:
    from trackdesk.client.encoding import Body
    from trackdesk.domain.configuration import Applied


class Configuration(Group):
    async def apply(self, body: Body) -> Applied:
        return await self._call(configuration.CONFIGURATION_APPLY, body=body)
