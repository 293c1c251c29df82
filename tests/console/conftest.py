"""What the tests of screens begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual import _wait

from tests.console.hooks import Hook, open_hook
from tests.console.triage_desk import Desk, desk_over, server_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trackdesk.runtime import Server

# After each key the pilot lets the console come to rest, twice. It sleeps this long (s) before it looks whether that is
# so; with its own 20 ms the console did nothing in most of the time of these tests.
_wait.SLEEP_GRANULARITY = 0.004


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with server_in(tmp_path) as server:
        yield server


@pytest.fixture
async def desk(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """The console at the `SECTION` of the test's module."""
    async with desk_over(server, request.module.SECTION) as desk:
        yield desk


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with open_hook() as hook:
        yield hook
