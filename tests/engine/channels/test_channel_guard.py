from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
import requests

from trackdesk.engine.channels.guard import BlockedAddressError, check, refusal
from trackdesk.engine.channels.watch import watched

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER = [
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd00:ec2::254%1",
    "fe80::1%eth0",
    "fe80::1",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "255.255.255.255",
    "240.0.0.1",
    "::ffff:169.254.169.254",
    "2002:a9fe:a9fe::1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "::7f00:1",
    "4000::1",
]
PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "10.0.0.1",
    "172.16.5.5",
    "192.168.1.1",
    "100.64.0.1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::a00:1",
]
PUBLIC = ["93.184.215.14", "2606:2800:220:1::1", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e", "8.8.8.8"]


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("trusted", [True, False])
def test_addresses_no_receiver_has_are_refused_to_everyone(address: str, trusted: bool) -> None:
    with pytest.raises(BlockedAddressError):
        check(address, trusted=trusted)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_for_trusted_channels_only(address: str) -> None:
    assert refusal(address, trusted=True) is None
    assert "ADMIN" in str(refusal(address, trusted=False))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open_to_all(address: str) -> None:
    assert refusal(address, trusted=False) is None


@pytest.mark.parametrize("text", ["localhost", "127.1", "0x7f000001", "2130706433", ""])
def test_what_is_no_plain_address_is_refused_at_connect(text: str) -> None:
    assert refusal(text, trusted=True) is not None


def test_requests_cannot_connect_to_a_name_that_resolves_to_a_refused_address(
    unused_port: Callable[[], int],
) -> None:
    with watched(trusted=False) as watch, pytest.raises(requests.ConnectionError):
        requests.get(f"http://localhost:{unused_port()}/", timeout=2)
    assert "loopback or private" in str(watch.blocked)


def test_smtplib_cannot_connect_to_a_name_that_resolves_to_a_refused_address(unused_port: Callable[[], int]) -> None:
    with watched(trusted=False) as watch, pytest.raises(BlockedAddressError):
        smtplib.SMTP("localhost", unused_port(), timeout=2)
    assert "loopback or private" in str(watch.blocked)


def test_a_datagram_is_checked_like_a_connection() -> None:
    with watched(trusted=False), socket.socket(type=socket.SOCK_DGRAM) as one, pytest.raises(BlockedAddressError):
        one.sendto(b"x", ("127.0.0.1", 514))


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this platform has no such sockets")
def test_sockets_of_the_machine_are_refused_even_to_trusted_channels() -> None:
    with watched(trusted=True), socket.socket(socket.AF_UNIX) as one, pytest.raises(BlockedAddressError):
        one.connect("/run/some.socket")


def test_no_program_is_started_from_a_channel() -> None:
    with watched(trusted=True), pytest.raises(BlockedAddressError):
        subprocess.run([sys.executable, "-c", ""], check=False)


def test_other_threads_connect_as_ever_while_one_is_watched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, watched(trusted=False):
        done: list[bool] = []

        def connect() -> None:
            socket.create_connection(server.getsockname()).close()
            done.append(True)

        thread = threading.Thread(target=connect)
        thread.start()
        thread.join(5)
        assert done == [True]


def test_the_watch_ends_with_its_block() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with watched(trusted=False):
            pass
        socket.create_connection(server.getsockname()).close()
