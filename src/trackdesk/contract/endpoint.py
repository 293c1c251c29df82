"""What an endpoint is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from trackdesk.domain.filters import Filter
    from trackdesk.domain.identity import Permission

R = TypeVar("R")

MEBIBYTE = 1_048_576


@dataclass(frozen=True)
class Endpoint(Generic[R]):
    """One call of the API. Routes, client, OpenAPI document and the completeness tests are made from it."""

    name: str
    """`group.verb`; the client has it as `client.group.verb`."""
    routes: tuple[tuple[str, str], ...]
    """(method, path) pairs that all do the same; the first is the one that documentation and client use."""
    permission: Permission
    summary: str
    reply: Any = None
    """The type of a successful answer's JSON; None: no content, or a `media` of its own."""
    status: int = 200
    body: Any = None
    """The type of the JSON body; None: there is none."""
    body_required: bool = True
    body_of_many: bool = False
    """The handler looks at the items one by one: NUL in the text of one is no reason to refuse the others."""
    query: type[Filter] | None = None
    idempotent: bool = False
    """Takes `Idempotency-Key`."""
    makes: bool = False
    """Answers 201 instead when it made the thing."""
    if_match: bool = False
    """Takes `If-Match: version`."""
    max_body: int = MEBIBYTE
    takes: str = "application/json"
    """The media type of the request's body; any other than JSON is left to the handler to read."""
    also_takes: str = ""
    """A second media type besides JSON; then the handler parses the body, whichever it is."""
    media: str = "application/json"
    errors: tuple[int, ...] = ()
    """Statuses besides those that every endpoint of its kind can answer."""
    adapters: dict[str, TypeAdapter[Any]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def method(self) -> str:
        return self.routes[0][0]

    @property
    def path(self) -> str:
        return self.routes[0][1]

    @property
    def writes(self) -> bool:
        return self.method not in {"GET", "HEAD"}

    def reply_adapter(self) -> TypeAdapter[R]:
        """Built at first use: a hundred models at import would cost the console half a second."""
        return self._adapter("reply", self.reply)

    def body_adapter(self) -> TypeAdapter[Any]:
        return self._adapter("body", self.body)

    def _adapter(self, kind: str, type_: Any) -> TypeAdapter[Any]:
        adapter = self.adapters.get(kind)
        if adapter is None:
            adapter = self.adapters[kind] = TypeAdapter(type_)
        return adapter
