"""Deleting what is old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.client.group import Group
from trackdesk.contract import cleanup

if TYPE_CHECKING:
    from trackdesk.client.encoding import Body
    from trackdesk.domain.retention import Cleaned


class Cleanup(Group):
    async def run(self, body: Body) -> Cleaned:
        """One request of at most 20 s; its `done` says whether to ask again. With `dry_run` it may take longer."""
        return await self._call(cleanup.CLEANUP, body=body)
