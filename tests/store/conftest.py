"""The house for every test of this folder that asks for one."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.store.house import House
from trackdesk.store.readers import Readers


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "house.db")
    yield house
    house.close()


@pytest.fixture
async def readers(house: House) -> AsyncIterator[Readers]:
    async with house.readers() as readers:
        yield readers
