"""What a handler is given: who calls, with what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.contract import paths
from trackdesk.domain.errors import Invalid
from trackdesk.domain.run import RunAddress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aiohttp import web

    from trackdesk.domain.identity import Caller
    from trackdesk.domain.once import Once
    from trackdesk.engine.core import Engine
    from trackdesk.server.house import House

    Handler = Callable[["Call"], Awaitable[Any]]
    """Gives the reply's value, or a response of its own for what is no JSON."""


class Call:
    """One request that has passed the door; everything in it has been checked against the contract."""

    __slots__ = ("_caller", "body", "house", "if_match", "once", "path", "query", "request", "request_id")

    def __init__(
        self, house: House, request: web.BaseRequest, request_id: str, caller: Caller | None, path: Mapping[str, str]
    ) -> None:
        self.house = house
        self.request = request
        self.request_id = request_id
        self.path = path
        self.query: Any = None
        self.body: Any = None
        self.if_match: int | None = None
        self.once: Once | None = None
        self._caller = caller

    @property
    def engine(self) -> Engine:
        return self.house.engine

    @property
    def caller(self) -> Caller:
        """Who calls; there is nobody on open endpoints."""
        assert self._caller is not None
        return self._caller

    def number(self, name: str) -> int:
        """A path parameter that is an id."""
        return paths.number(name, self.path[name])

    def address(self) -> RunAddress:
        """The run that the path names, with the attempt that the query picks. Raises Invalid."""
        attempt: int | None = self.query.attempt
        uid = self.path.get("uid")
        if uid is None:
            return RunAddress(process=self.path["process"], id=self.path["id"], attempt=attempt)
        if attempt is not None:
            raise Invalid("attempt", "a uid names one attempt; use it with /v1/processes/{process}/{id}")
        return RunAddress(uid=uid)
