from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from tests.console.frames import until
from tests.console.triage_desk import desk_over
from trackdesk.widgets.log_view import LogView

if TYPE_CHECKING:
    from tests.console.triage_desk import Desk
    from trackdesk.runtime import Server

SECTION = "runs"


async def _open(desk: Desk, **members: object) -> str:
    """A run that was started elsewhere, opened here."""
    run = await desk.other.runs.start("import", {"id": "n1", **members})
    await desk.sees("import")
    await desk.press("enter")
    await desk.sees("What happened")
    await desk.sees("started")
    return run.uid


async def test_the_head_tells_how_far_it_is_and_how_much_of_its_budget_is_used(desk: Desk) -> None:
    uid = await _open(desk, deadline="30m", total=120)
    await desk.other.runs.patch(uid, {"progress": {"done": 30}})
    await desk.sees("30/120 25%, ~")
    await desk.sees("of 30m")
    await desk.sees("Runs \u203a import n1")


async def test_lines_of_the_log_appear_as_they_are_sent(desk: Desk) -> None:
    uid = await _open(desk)
    await desk.sees("It has logged nothing")
    await desk.other.runs.log(uid, {"message": "batch 1"})
    await desk.sees("batch 1")
    await desk.other.runs.log(uid, [{"message": "batch 2"}, {"message": "gave up", "level": "ERROR"}])
    await desk.sees("ERROR gave up")
    assert desk.frame.count("batch 1") == 1


async def test_l_shows_only_the_worse_lines_also_of_those_that_come_later(desk: Desk) -> None:
    uid = await _open(desk)
    await desk.other.runs.log(uid, [{"message": "fine"}, {"message": "odd", "level": "WARN"}])
    await desk.sees("fine")
    await desk.press("l", "l")
    await desk.misses("INFO  fine")
    await desk.sees("WARN and above")
    await desk.other.runs.log(uid, [{"message": "fine too"}, {"message": "odd too", "level": "WARN"}])
    await desk.sees("odd too")
    assert "fine too" not in desk.frame


async def test_a_long_log_begins_at_its_end_and_older_lines_come_on_the_way_up(desk: Desk) -> None:
    run = await desk.other.runs.start("import", {"id": "n1"})
    await desk.other.runs.log(run.uid, [{"message": f"line {number:04}"} for number in range(1200)])
    await desk.sees("import")
    await desk.press("enter")
    await desk.sees("line 1199")
    log = desk.app.screen.query_one(LogView)
    for _ in range(3):
        await desk.press("g")
        await until(lambda: log.scroll_offset.y > 0 or "line 0000" in desk.frame)
    await desk.sees("line 0000")


async def test_c_completes_it_and_the_story_says_by_whom(desk: Desk) -> None:
    await _open(desk, deadline="30m")
    await desk.press("c")
    await desk.sees("✓ done")
    await desk.sees("✓ on time")
    await desk.sees("by ada@desk")
    await desk.press("c")
    await desk.sees("c complete: it has ended: done")


async def test_x_fails_it_with_what_was_typed(desk: Desk) -> None:
    await _open(desk)
    await desk.press("x")
    await desk.sees("What went wrong")
    await until(lambda: isinstance(desk.app.focused, Input))
    desk.app.focused.value = "no route to the bank"
    await desk.press("enter")
    await desk.sees("✗ no route to the bank")


async def test_e_extends_its_deadline(desk: Desk) -> None:
    uid = await _open(desk, deadline="30m")
    before = (await desk.other.runs.get(uid)).deadline
    await desk.press("e")
    await desk.sees("Extend the deadline of import n1")
    await desk.press("enter")
    await desk.sees("import is due")
    after = (await desk.other.runs.get(uid)).deadline
    assert before is not None
    assert after is not None
    assert after - before >= 29 * 60_000_000
    await desk.sees("of 1h00")


async def test_big_y_copies_the_curl_that_starts_such_a_run_without_any_key(desk: Desk) -> None:
    await _open(desk, deadline="30m", tags={"env": "prod"})
    await desk.press("Y")
    await desk.sees("curl that does the same")
    await desk.press("2")
    await desk.sees("Copied")
    copied = desk.app.clipboard
    assert "/v1/processes/import" in copied
    assert '"deadline": "30m"' in copied
    assert "$TRACKDESK_API_KEY" in copied
    assert "tdk_" not in copied


async def test_a_run_that_is_deleted_elsewhere_is_left_with_a_word(desk: Desk) -> None:
    uid = await _open(desk)
    await desk.other.runs.delete(uid)
    await desk.sees("No run yet")


async def test_what_could_not_be_read_is_not_said_to_be_empty(server: Server) -> None:
    async with desk_over(server, "runs", size=(80, 24)) as desk:
        await desk.other.runs.start("backup", {"id": "n1"})
        await desk.sees("n1")
        await server.stop()
        await desk.press("enter")
        await desk.sees("this is old")
        assert "logged nothing" not in desk.frame
        assert "Nothing happened" not in desk.frame


async def test_a_fact_is_never_broken_in_two(server: Server) -> None:
    async with desk_over(server, "runs", size=(80, 24)) as desk:
        run = await desk.other.runs.start("backup", {"id": "n1", "deadline": "30m"})
        await desk.other.runs.patch(run.uid, {"progress": {"done": 123_456, "total": 987_654_321}})
        await desk.sees("n1")
        await desk.press("enter")
        await desk.sees("progress 123,456/987,654,321 0%")


async def test_control_characters_in_a_log_are_spelt_out(desk: Desk) -> None:
    uid = await _open(desk)
    await desk.other.runs.log(uid, {"message": "\x1b[2Jgone \u202egnp.exe"})
    await desk.sees("\\e[2Jgone \\u202egnp.exe")


async def test_at_80_columns_head_log_and_story_are_all_in_sight(server: Server) -> None:
    async with desk_over(server, "runs", size=(80, 24)) as desk:
        uid = await _open(desk, deadline="30m")
        await desk.other.runs.log(uid, {"message": "batch 1"})
        await desk.sees("batch 1")
        assert "of 30m" in desk.frame
        assert "What happened" in desk.frame
        assert max(map(len, desk.frame.splitlines())) <= 80
