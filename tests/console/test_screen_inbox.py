from __future__ import annotations

from typing import TYPE_CHECKING

from tests.console.frames import until
from tests.console.triage_desk import desk_over

if TYPE_CHECKING:
    from tests.console.hooks import Hook
    from tests.console.triage_desk import Desk
    from trackdesk.runtime import Server

SECTION = "inbox"


async def test_an_incident_is_told_as_unread_and_read_by_opening_it(desk: Desk) -> None:
    await desk.sees("Nothing was told yet")
    await desk.report("the printer burns")
    await desk.sees("the printer burns")
    assert "●" in desk.line("the printer burns")
    await desk.press("enter")
    await desk.sees("No channel was told of it")
    await desk.sees("to department default")
    await desk.press("escape")
    await until(lambda: "●" not in (desk.line("the printer burns") or "●"))
    assert (await desk.app.desk.client.notifications.unread_count()).count == 0


async def test_i_marks_as_read_and_as_unread_again_and_u_takes_it_back(desk: Desk) -> None:
    await desk.report("the printer burns")
    await desk.sees("the printer burns")
    await desk.press("i")
    await desk.sees("Marked as read")
    await until(lambda: "●" not in (desk.line("the printer burns") or "●"))
    await desk.press("i")
    await until(lambda: "●" in desk.line("the printer burns"))
    await desk.press("u", "u")
    await until(lambda: "●" in desk.line("the printer burns"))


async def test_all_are_marked_as_read_after_a_question(desk: Desk) -> None:
    for number in range(3):
        await desk.report(f"complaint {number}")
    await desk.sees("complaint 2")
    await desk.press("I")
    await desk.sees("Mark all 3 unread as read?")
    await desk.press("y")
    await desk.sees("3 marked as read")
    await desk.press("right_square_bracket")
    await desk.misses("complaint 0")


async def test_w_goes_to_the_incident(desk: Desk) -> None:
    await desk.report("the printer burns")
    await desk.sees("the printer burns")
    await desk.press("w")
    await desk.sees("Inbox \u203a INC-1")


async def test_a_delivery_that_was_refused_says_why_and_is_sent_again(desk: Desk, hook: Hook) -> None:
    hook.status = "410 Gone"
    await desk.other.channels.add({"name": "ops-hook", "url": hook.url})
    await desk.report("the printer burns")
    await desk.sees("1 dead")
    await desk.press("G", "enter")
    await desk.sees("✗ dead")
    await desk.sees("refused     410")
    hook.status = "200 OK"
    await desk.press("R")
    await desk.sees("✓ sent")
    await desk.press("R")
    await desk.sees("R retry: it has arrived")


async def test_a_reporter_reads_but_may_not_retry(server: Server, hook: Hook) -> None:
    async with desk_over(server, "inbox", role="REPORTER") as desk:
        hook.status = "410 Gone"
        await desk.other.channels.add({"name": "ops-hook", "url": hook.url})
        await desk.report("the printer burns")
        await desk.sees("1 dead")
        await desk.press("G", "enter")
        await desk.sees("✗ dead")
        await desk.press("R")
        await desk.sees("is REPORTER and may not change things")


async def test_a_lost_server_keeps_the_rows_and_says_when_it_is_asked_again(server: Server) -> None:
    async with desk_over(server, "inbox") as desk:
        await desk.report("the printer burns")
        await desk.sees("the printer burns")
        await server.stop()
        await desk.sees("these rows are old")
        await desk.sees("tried again in")
        assert "the printer burns" in desk.frame
