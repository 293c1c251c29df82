"""The API as calls of Python, over one connection pool."""

from __future__ import annotations

from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self, TypeVar

from trackdesk.client.alerts import Alerts
from trackdesk.client.analytics import Stats
from trackdesk.client.attachments import Attachments
from trackdesk.client.cleanup import Cleanup
from trackdesk.client.configuration import Configuration
from trackdesk.client.encoding import body_bytes, query_pairs, route
from trackdesk.client.errors import ServerAway, from_answer, why_away
from trackdesk.client.ingest import Ingest
from trackdesk.client.live import Live
from trackdesk.client.metrics import Metrics, Services
from trackdesk.client.noise import Maintenance, Silences
from trackdesk.client.operations import Journal, Keys, Operations
from trackdesk.client.processes import Processes
from trackdesk.client.rules import Rules
from trackdesk.client.telling import Channels, Deliveries, Departments, Notifications
from trackdesk.client.triage import Comments, Incidents
from trackdesk.client.work import Runs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from aiohttp import ClientResponse, ClientSession

    from trackdesk.client.encoding import Body, Query
    from trackdesk.client.live import LiveStatus, Patience
    from trackdesk.contract.endpoint import Endpoint
    from trackdesk.contract.live import LiveEvent
    from trackdesk.domain.page import Page

R = TypeVar("R")
T = TypeVar("T")

LARGE = 1_000_000
"""Bytes of a body from which on it is sent in pieces, so that other calls get their turn."""
TIMEOUT = 30.0
"""Seconds an answer may take as a whole."""


class Client:
    """Use it as `async with Client(url, key) as client`. Errors are those of `trackdesk.domain.errors`, as the server
    raised them, and `ServerAway` when nobody answers.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        namespace: str | None = None,
        actor: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        given = {"X-API-Key": api_key, "X-Namespace": namespace, "X-Actor": actor}
        self._headers = {name: value for name, value in given.items() if value is not None}
        self._session: ClientSession | None = None
        self.runs = Runs(self)
        self.ingest = Ingest(self)
        self.processes = Processes(self)
        self.incidents = Incidents(self)
        self.comments = Comments(self)
        self.attachments = Attachments(self)
        self.alerts = Alerts(self)
        self.rules = Rules(self)
        self.metrics = Metrics(self)
        self.services = Services(self)
        self.departments = Departments(self)
        self.notifications = Notifications(self)
        self.channels = Channels(self)
        self.deliveries = Deliveries(self)
        self.configuration = Configuration(self)
        self.keys = Keys(self)
        self.journal = Journal(self)
        self.stats = Stats(self)
        self.silences = Silences(self)
        self.maintenance = Maintenance(self)
        self.cleanup = Cleanup(self)
        self.operations = Operations(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; a client can't be used again after that."""
        if self._session is not None:
            await self._session.close()

    def session(self) -> ClientSession:
        """The pool, made at first use: importing aiohttp takes longer than the console's first frame may."""
        if self._session is None:
            import aiohttp  # noqa: PLC0415

            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=5),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def call(
        self,
        endpoint: Endpoint[R],
        *,
        path: Mapping[str, str | int] | None = None,
        query: Query = None,
        body: Body = None,
        if_match: int | None = None,
        idempotency_key: str | None = None,
    ) -> R:
        """What the endpoint answers, as its model; None where it answers nothing."""
        answer = await self.send(
            endpoint, path=path, query=query, body=body, if_match=if_match, idempotency_key=idempotency_key
        )
        if endpoint.reply is None:
            return None  # type: ignore[return-value] # R is None for these
        try:
            return endpoint.reply_adapter().validate_json(answer)
        except ValueError as error:
            raise ServerAway(f"{self.url} answered what is no {endpoint.name}: {error}") from None

    async def send(
        self,
        endpoint: Endpoint[Any],
        *,
        path: Mapping[str, str | int] | None = None,
        query: Query = None,
        body: Body = None,
        if_match: int | None = None,
        idempotency_key: str | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> bytes:
        """The bytes of a successful answer; statuses in `accept` count as such. Raises as `call` does."""
        headers: dict[str, str] = {}
        data = body_bytes(body)
        if data is not None:
            headers["Content-Type"] = endpoint.takes
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        sent = data if data is None or len(data) < LARGE else BytesIO(data)
        async with self.answered(endpoint, path, query=query, data=sent, headers=headers, accept=accept) as response:
            return await response.read()

    @asynccontextmanager
    async def answered(
        self,
        endpoint: Endpoint[Any],
        path: Mapping[str, str | int] | None = None,
        *,
        query: Query = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset(),
        timeout: float | None = None,
    ) -> AsyncIterator[ClientResponse]:
        """The answer while it arrives, for what is too large to be held; `data` as aiohttp takes it, `timeout` in
        seconds for all of it. Raises as `call` does."""
        import aiohttp  # noqa: PLC0415

        method, filled = route(endpoint, path or {})
        try:
            async with self.session().request(
                method,
                self._address(filled),
                params=query_pairs(query),
                data=data,
                headers=headers,
                allow_redirects=False,  # the key would go wherever the answer points
                timeout=aiohttp.ClientTimeout(total=timeout or self._timeout, sock_connect=5),
            ) as response:
                if response.status >= 300 and response.status not in accept:
                    retry_after = response.headers.get("Retry-After")
                    raise from_answer(response.status, await response.read(), retry_after)
                yield response
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            raise ServerAway(f"{self.url} does not answer: {why_away(error)}") from None

    async def pages(
        self, endpoint: Endpoint[Page[T]], *, path: Mapping[str, str | int] | None = None, query: Query = None
    ) -> AsyncIterator[Page[T]]:
        """Page after page of a list, to its end."""
        pairs = query_pairs(query)
        cursor: str | None = None
        while True:
            parameters: dict[str, Any] = {}
            for name, value in pairs:
                parameters.setdefault(name, []).append(value)
            page = await self.call(
                endpoint, path=path, query={**parameters, "cursor": cursor} if cursor else parameters
            )
            yield page
            cursor = page.meta.next
            if cursor is None:
                return

    def live(
        self,
        topics: Iterable[str] | None = None,
        since: int | None = None,
        *,
        on_status: Callable[[LiveStatus], object] | None = None,
        patience: Patience | None = None,
    ) -> AsyncIterator[LiveEvent]:
        """What changes, from now on or from the id `since`; comes back by itself, telling `on_status` how it stands."""
        return Live(self.session(), self.url + "/v1/stream", topics, since, on_status, patience).events()

    def _address(self, path: str) -> Any:
        from yarl import URL  # noqa: PLC0415

        return URL(self.url + path, encoded=True)  # what is escaped stays so: a name may hold a colon or a percent sign
