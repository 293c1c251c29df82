"""Reading the log of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.domain.page import Page
from trackdesk.domain.run import LEVEL_ORDER, LogLine
from trackdesk.store import run_lists
from trackdesk.store.conditions import Part, contains, words_of
from trackdesk.store.keyset import Listed, Walk, make_page, read_position, rows_of, total_of
from trackdesk.store.rows import LOG_COLUMNS, log_from

if TYPE_CHECKING:
    from trackdesk.domain.filters import LogFilter
    from trackdesk.domain.run import RunAddress
    from trackdesk.store.readers import Readers


async def page(readers: Readers, namespace_id: int, address: RunAddress, given: LogFilter) -> Page[LogLine]:
    """Lines in the order in which they arrived. With `tail` the first page is the last one and `next` leads back to
    older lines; within a page they are oldest first all the same. Raises NotFound."""
    sort = "-id" if given.tail else "id"
    start = read_position(given.cursor, sort, "i")
    run_seq = await run_lists.seq_of(readers, namespace_id, address)
    residual = [Part("level >= ?", (LEVEL_ORDER[given.level],))] if given.level else []
    residual += [contains("message", word) for word in words_of(given.search or "")]
    walk = Walk("logs INDEXED BY logs_by_run", Part("run_seq = ?", (run_seq,)), ("id",))
    listed = Listed(LOG_COLUMNS, (walk,), residual=tuple(residual), descending=given.tail)
    page = make_page(
        Page[LogLine],
        await rows_of(readers, listed, start, given.limit + 1),
        given.limit,
        sort,
        value=log_from,
        position=lambda row: [row[0]],
        total=await total_of(readers, listed),
    )
    if given.tail:
        page.data.reverse()
    return page
