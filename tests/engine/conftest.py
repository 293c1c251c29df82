"""What tests of the engine share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.house import House, open_house
from trackdesk.domain.clock import MINUTE
from trackdesk.engine import agenda

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agenda looks at the clock once a minute instead of every five seconds: for tests in which hours pass."""
    monkeypatch.setattr(agenda, "LONGEST_SLEEP", MINUTE)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """An engine with a running agenda."""
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
async def still(tmp_path: Path) -> AsyncIterator[House]:
    """An engine whose agenda does not run: nothing happens by itself."""
    async with open_house(tmp_path, agenda=False) as opened:
        yield opened
