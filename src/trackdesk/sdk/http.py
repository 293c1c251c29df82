"""JSON over http.client: a limit on the whole call, keep-alive, and two kinds of failure."""

from __future__ import annotations

import http.client
import io
import json
import socket
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trackdesk.sdk.locate import Target

CONNECT_TIMEOUT = 2.0
TOTAL_TIMEOUT = 10.0
MAX_ANSWER = 16 * 1024 * 1024
_PASSING = frozenset({401, 403, 408, 425, 429})


class ServerAway(Exception):
    """No answer, or one that says "not now": refused connections, timeouts, 5xx, or something that isn't trackdesk.

    `status` is the HTTP status when there was an answer, `retry_after` seconds when the server named them."""

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Refused(Exception):
    """The server understood and said no. `code` is its word for why, None when the answer was no problem+json."""

    def __init__(self, status: int, code: str | None, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors or []

    @property
    def passing(self) -> bool:
        """True when the same report may well be taken later: it's the key, the rate or a stranger in between."""
        return self.status in _PASSING or self.code is None


class _Reader(io.RawIOBase):
    """What http.client reads answers from; every read has only what is left of the call's time."""

    def __init__(self, owner: _TimedSocket) -> None:
        self._owner = owner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._owner.arm()
        return self._owner.plain.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._owner.let_go()


class _TimedSocket:
    """A socket whose calls share one deadline. A plain socket's timeout starts anew with every byte that drips in."""

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self.plain = plain
        self.deadline = deadline
        self._users = 1
        self._held: list[bytes] = []

    def arm(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.plain.settimeout(left)

    def sendall(self, data: bytes) -> None:
        """Kept until `flush`: http.client hands over head and body apart, and a server reads them sooner as one."""
        self._held.append(data)

    def flush(self) -> None:
        data, self._held = b"".join(self._held), []
        self.arm()
        self.plain.sendall(data)

    def makefile(self, *_mode: object) -> io.BufferedReader:
        self._users += 1
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """An answer that ends with its connection is still being read when http.client closes the socket."""
        self.let_go()

    def let_go(self) -> None:
        self._users -= 1
        if not self._users:
            self.plain.close()


class Http:
    """Calls to one server; keeps its connection. For one thread at a time. Raises ServerAway and Refused."""

    def __init__(
        self,
        target: Target,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        total_timeout: float = TOTAL_TIMEOUT,
    ) -> None:
        parts = urlsplit(target.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"url: expected http://HOST:PORT or https://HOST, not {target.url!r}")
        for field, value in (("api_key", target.api_key), ("namespace", target.namespace)):
            if value and not (value.isascii() and value.isprintable()):
                raise ValueError(f"{field}: expected printable ASCII characters")
        self.target = target
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._secure else 80)
        self._prefix = parts.path.rstrip("/")
        self._connect_timeout = connect_timeout
        self._total_timeout = total_timeout
        self._connection: http.client.HTTPConnection | None = None

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """The decoded answer, None for an empty one. `timeout` bounds the whole call in seconds. A body of bytes is
        lines of JSON that go as they are."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body, allow_nan=False).encode()
        kind = "application/x-ndjson" if data is body else "application/json"
        headers = self._headers(None if data is None else kind, idempotency_key)
        return _judge(*self._send(method, path, data, headers, timeout))

    def ping(self, path: str, body: bytes) -> str:
        """Posts what a ping has to say, and gives the words of the answer."""
        status, headers, content = self._send("POST", path, body, self._headers("text/plain", None), None)
        words = content[:200].decode("utf-8", "replace")
        if not headers.get("content-type", "").startswith("text/plain"):
            raise ServerAway(f"{self.target.url} answers {status}: is it a trackdesk server?", status=status)
        if status >= 500:
            raise ServerAway(f"the server answers {status}: {words}", status=status)
        if not 200 <= status < 300:
            raise Refused(status, None, words)
        return words

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _send(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str], timeout: float | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        deadline = time.monotonic() + (self._total_timeout if timeout is None else timeout)
        reused = self._connection is not None
        try:
            return self._exchange(method, path, data, headers, deadline)
        except (ConnectionError, http.client.RemoteDisconnected) as error:
            # A kept connection may have been closed while it was idle; a fresh one tells whether the server is there.
            self.close()
            if not reused:
                raise self._away(error) from None
            return self._retry(method, path, data, headers, deadline)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._away(error) from None

    def _retry(self, *request: Any) -> tuple[int, Mapping[str, str], bytes]:
        try:
            return self._exchange(*request)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._away(error) from None

    def _exchange(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str], deadline: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        connection = self._connection or self._connect(deadline)
        timed: Any = connection.sock
        timed.deadline = deadline
        connection.request(method, self._prefix + path, body=data, headers=headers)
        timed.flush()
        response = connection.getresponse()
        content = response.read(MAX_ANSWER + 1)
        if len(content) > MAX_ANSWER:
            raise http.client.HTTPException(f"an answer over {MAX_ANSWER} bytes")
        if response.will_close:
            self.close()
        return response.status, {name.lower(): value for name, value in response.headers.items()}, content

    def _connect(self, deadline: float) -> http.client.HTTPConnection:
        left = max(0.001, min(self._connect_timeout, deadline - time.monotonic()))
        plain = socket.create_connection((self._host, self._port), timeout=left)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure:
                import ssl  # noqa: PLC0415 - most servers are local and plain

                plain = ssl.create_default_context().wrap_socket(plain, server_hostname=self._host)
        except BaseException:
            plain.close()
            raise
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.sock = _TimedSocket(plain, deadline)
        self._connection = connection
        return connection

    def _headers(self, content_type: str | None, idempotency_key: str | None) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": _user_agent(), "X-Actor": actor()}
        optional = {
            "Content-Type": content_type,
            "X-API-Key": self.target.api_key,
            "X-Namespace": self.target.namespace,
            "Idempotency-Key": idempotency_key,
        }
        headers.update({name: value for name, value in optional.items() if value})
        return headers

    def _away(self, error: Exception) -> ServerAway:
        reason = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return ServerAway(f"{self.target.url} can't be reached: {reason}")


def _judge(status: int, headers: Mapping[str, str], content: bytes) -> Any:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        value = json.loads(content) if content and kind.endswith("json") else None
    except ValueError:
        value = None
    if 200 <= status < 300:
        if value is None and content:
            raise ServerAway(
                f"the answer is no JSON but {kind or 'untyped'}: is this a trackdesk server?", status=status
            )
        return value
    problem = value if isinstance(value, dict) and kind == "application/problem+json" else {}
    detail = str(problem.get("detail") or problem.get("title") or f"HTTP {status}")
    if status >= 500 or status < 300:
        raise ServerAway(f"the server answers {status}: {detail}", status=status, retry_after=_seconds(headers))
    if 300 <= status < 400:
        detail = f"HTTP {status}: redirects are not followed ({headers.get('location', 'no location')})"
    errors = problem.get("errors")
    code = problem.get("code")
    raise Refused(status, None if code is None else str(code), detail, errors if isinstance(errors, list) else None)


def _seconds(headers: Mapping[str, str]) -> float | None:
    given = headers.get("retry-after", "")
    return float(given) if given.isdecimal() and len(given) < 8 else None


@cache
def actor() -> str:
    """`user@host` in printable ASCII, as the journal is told it."""
    import getpass  # noqa: PLC0415

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    text = f"{user}@{socket.gethostname()}"
    return "".join(char if " " < char < "\x7f" else "?" for char in text)[:200]


@cache
def _user_agent() -> str:
    return f"trackdesk-sdk (python/{sys.version_info.major}.{sys.version_info.minor})"
