"""The log of a run: oldest first, by level and by words, from either end."""

import pytest

from tests.store.house import DEFAULT, House
from trackdesk.domain.errors import NotFound
from trackdesk.domain.filters import LogFilter
from trackdesk.domain.run import RunAddress
from trackdesk.store import log_lists
from trackdesk.store.readers import Readers

ADDRESS = RunAddress(process="backup", id="k")


async def pages(readers: Readers, **given) -> list[list[str]]:
    found: list[list[str]] = []
    cursor = None
    while True:
        page = await log_lists.page(readers, DEFAULT, ADDRESS, LogFilter(cursor=cursor, **given))
        found.append([line.message for line in page.data])
        cursor = page.meta.next
        if cursor is None:
            return found


@pytest.fixture
def logged(house: House) -> House:
    run, other = house.run(id="k"), house.run(id="other")
    for number in range(5):
        house.log(run, f"line {number}", level=number % 4, data='{"n": 1}')
        house.log(other, "elsewhere")
    return house


async def test_lines_come_oldest_first(logged: House, readers: Readers) -> None:
    assert await pages(readers, limit=2) == [["line 0", "line 1"], ["line 2", "line 3"], ["line 4"]]


async def test_the_tail_begins_with_the_last_page_and_leads_back(logged: House, readers: Readers) -> None:
    assert await pages(readers, limit=2, tail=True) == [["line 3", "line 4"], ["line 1", "line 2"], ["line 0"]]


async def test_a_level_lets_through_that_or_above(logged: House, readers: Readers) -> None:
    assert await pages(readers, level="warn") == [["line 2", "line 3"]]


async def test_a_search_finds_words_in_messages(logged: House, readers: Readers) -> None:
    assert await pages(readers, search="LINE 4") == [["line 4"]]
    assert await pages(readers, search="%") == [[]]


async def test_a_line_keeps_its_data_and_the_total_is_told(logged: House, readers: Readers) -> None:
    page = await log_lists.page(readers, DEFAULT, ADDRESS, LogFilter(limit=1))
    assert page.data[0].data == {"n": 1}
    assert page.meta.total == 5


async def test_the_log_of_an_unknown_run_is_not_found(readers: Readers) -> None:
    with pytest.raises(NotFound):
        await log_lists.page(readers, DEFAULT, RunAddress(uid="x"), LogFilter())
