from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from trackdesk.sdk.http import Http, Refused, ServerAway
from trackdesk.sdk.locate import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.receiver import Receiver

    Connect = Callable[[Target], Http]


def test_a_call_carries_who_and_what(receiver: Receiver, client: Connect) -> None:
    http = client(Target(receiver.url + "/under", "the-key", "team"))
    assert http.call("POST", "/v1/processes/x", {"id": "ü"}, idempotency_key="k1")["uid"]
    seen = receiver.seen[0]
    assert (seen.method, seen.path, seen.body) == ("POST", "/under/v1/processes/x", {"id": "ü"})
    assert {name: seen.headers[name] for name in ("x-api-key", "x-namespace", "idempotency-key", "content-type")} == {
        "x-api-key": "the-key",
        "x-namespace": "team",
        "idempotency-key": "k1",
        "content-type": "application/json",
    }
    assert "@" in seen.headers["x-actor"]
    assert seen.headers["user-agent"].startswith("trackdesk-sdk")


def test_calls_share_a_connection(receiver: Receiver, client: Connect) -> None:
    http = client(Target(receiver.url))
    http.call("GET", "/v1/runs/a")
    http.call("GET", "/v1/runs/b")
    assert len({seen.connection for seen in receiver.seen}) == 1


def test_a_connection_that_was_closed_while_idle_is_opened_anew(client: Connect) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

    def serve() -> None:
        for _ in range(2):
            connection, _address = listener.accept()
            connection.recv(65536)
            connection.sendall(answer)
            connection.close()

    server = threading.Thread(target=serve)
    server.start()
    http = client(Target(f"http://127.0.0.1:{listener.getsockname()[1]}"))
    assert http.call("GET", "/a") == {}
    assert http.call("GET", "/b") == {}
    server.join(5)
    listener.close()


def test_head_and_body_go_in_one_write(client: Connect) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    first: list[bytes] = []

    def serve() -> None:
        connection, _address = listener.accept()
        first.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
        connection.close()

    server = threading.Thread(target=serve)
    server.start()
    assert client(Target(f"http://127.0.0.1:{listener.getsockname()[1]}")).call("POST", "/a", {"b": 1}) is None
    server.join(5)
    listener.close()
    assert first[0].startswith(b"POST /a HTTP/1.1\r\n")
    assert first[0].endswith(b'\r\n\r\n{"b": 1}')


def test_a_problem_is_refused_with_all_it_says(receiver: Receiver, client: Connect) -> None:
    errors = [{"field": "deadline", "message": "no"}]
    receiver.answer = (400, {"code": "invalid", "detail": "deadline: no", "errors": errors})
    with pytest.raises(Refused, match="deadline: no") as caught:
        client(Target(receiver.url)).call("POST", "/v1/processes/x", {})
    assert (caught.value.status, caught.value.code, caught.value.errors) == (400, "invalid", errors)
    assert not caught.value.passing


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_that_cannot_now_is_away(receiver: Receiver, status: int, client: Connect) -> None:
    receiver.answer = (status, {"code": "overloaded", "detail": "too much"})
    with pytest.raises(ServerAway, match="too much") as caught:
        client(Target(receiver.url)).call("GET", "/v1/runs")
    assert caught.value.status == status
    assert caught.value.retry_after == (7 if status == 503 else None)


def test_a_closed_port_is_away(free_port: int, client: Connect) -> None:
    with pytest.raises(ServerAway, match="can't be reached"):
        client(Target(f"http://127.0.0.1:{free_port}")).call("GET", "/")


def test_a_redirect_is_not_followed(receiver: Receiver, client: Connect) -> None:
    receiver.answer = (302, {})
    with pytest.raises(Refused, match="not followed"):
        client(Target(receiver.url, "key")).call("GET", "/v1/runs")
    assert receiver.said() == ["GET /v1/runs"]


def test_an_answer_from_a_stranger_is_no_answer(receiver: Receiver, client: Connect) -> None:
    receiver.answer = (200, b"<html>hello</html>")
    with pytest.raises(ServerAway, match="is this a trackdesk server"):
        client(Target(receiver.url)).call("GET", "/v1/runs")


def test_a_refusal_from_a_stranger_may_pass(receiver: Receiver, client: Connect) -> None:
    receiver.answer = (404, b"<html>not here</html>")
    with pytest.raises(Refused) as caught:
        client(Target(receiver.url)).call("GET", "/v1/runs")
    assert caught.value.passing


def test_an_answer_that_drips_in_ends_at_the_calls_limit(client: Connect) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _address = listener.accept()
        with connection:
            while not stop.wait(0.02):
                try:
                    connection.sendall(b"H")
                except OSError:
                    return

    server = threading.Thread(target=drip)
    server.start()
    began = time.monotonic()
    with pytest.raises(ServerAway, match="no answer in time"):
        client(Target(f"http://127.0.0.1:{listener.getsockname()[1]}")).call("GET", "/", timeout=0.3)
    took = time.monotonic() - began
    stop.set()
    server.join(5)
    listener.close()
    assert 0.25 < took < 10


@pytest.mark.parametrize("target", [Target("ftp://x"), Target("nonsense"), Target("http://x", "line\nbreak")])
def test_a_target_that_cannot_be_called_is_refused_at_once(target: Target) -> None:
    with pytest.raises(ValueError, match="expected"):
        Http(target)
