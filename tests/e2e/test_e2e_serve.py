"""Servers as processes: one a database, ended in good order, back after the worst."""

from __future__ import annotations

import http.client
import json
import signal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.clocks import PATIENCE, STOPS_WITHIN
from tests.e2e.premises import until

if TYPE_CHECKING:
    from tests.e2e.premises import Premises


def test_it_says_where_it_listens_and_where_the_owner_key_is_but_not_the_key(premises: Premises) -> None:
    premises.serve(cold=True)
    until(lambda: f"the owner key is in {premises.data / 'owner.key'}\n" in premises.log, "word of the owner key")
    assert f"trackdesk: listening on {premises.url}\n" in premises.log
    assert premises.key not in premises.log
    records = [json.loads(line) for line in premises.log.splitlines() if line.startswith("{")]
    assert {"at", "level", "logger", "message"} <= set(records[0])


def test_a_second_server_on_the_file_is_refused_in_one_line(premises: Premises) -> None:
    server = premises.serve()
    refused = premises.cli("serve", "--port", "0", code=1)
    assert refused.stderr == (
        f"trackdesk: {premises.database} is already served by process {server.pid} at {premises.url}\n"
    )


def test_a_port_that_is_taken_is_refused_in_one_line(premises: Premises) -> None:
    premises.serve()
    port = str(urlsplit(premises.url).port)
    other = str(premises.folder / "other")
    refused = premises.cli("serve", "--port", port, "--data-dir", other, "--log-level", "error", code=1)
    assert refused.stderr.startswith(f"trackdesk: can't listen on 127.0.0.1 port {port}: ")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_within_five_seconds_also_while_somebody_watches(premises: Premises, number: signal.Signals) -> None:
    server = premises.serve(cold=True)
    place = urlsplit(premises.url)
    watcher = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)
    watcher.request("GET", "/v1/stream", headers={"X-API-Key": premises.key})
    stream = watcher.getresponse()
    assert stream.status == 200
    code, took = premises.end(server, number)
    assert code == 0
    assert took < STOPS_WITHIN
    watcher.close()
    files = {path.name for path in premises.data.iterdir()}
    assert not {f"{premises.database.name}-wal", f"{premises.database.name}-shm"} & files


def test_a_killed_server_leaves_nothing_that_hinders_the_next(premises: Premises) -> None:
    server = premises.serve()
    uid = premises.cli("start", "nightly").stdout.strip()
    premises.end(server, signal.SIGKILL)
    premises.cli("runs", code=3)
    premises.serve()
    assert premises.data_of("runs", "show", uid)["status"] == "ACTIVE"
