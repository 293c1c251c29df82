from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.frames import until
from tests.console.triage_desk import desk_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.console.hooks import Hook
    from tests.console.triage_desk import Desk
    from trackdesk.runtime import Server


@pytest.fixture
async def desk(server: Server) -> AsyncIterator[Desk]:
    async with desk_over(server, "admin") as desk:
        await desk.sees("you are owner, ADMIN")
        yield desk


async def go(desk: Desk, down: int) -> None:
    """Open the place `down` lines below the first."""
    await desk.press(*["j"] * down, "enter")


async def test_it_says_how_everything_stands(desk: Desk) -> None:
    for text in ("nobody is told outside of the inbox", "0 keys beside the owner's", "agenda", "✓ well"):
        await desk.sees(text)


async def test_a_channel_is_made_by_form_and_tested(desk: Desk, hook: Hook) -> None:
    await go(desk, 0)
    await desk.sees("No channel yet")
    await desk.press("n")
    await desk.sees("Make a channel")
    await desk.fill("ops-hook", hook.url)
    await desk.press("enter")
    await desk.sees("? unproven")
    await desk.press("T")
    await desk.sees("ops-hook works: the test message arrived after")
    await desk.sees("✓ proven")


async def test_a_test_that_fails_says_what_came_back(desk: Desk, hook: Hook) -> None:
    hook.status = "403 Forbidden"
    await desk.other.channels.add({"name": "ops-hook", "url": hook.url})
    await go(desk, 0)
    await desk.sees("ops-hook")
    await desk.press("T")
    await desk.sees("Test of ops-hook: did not arrive")
    await desk.sees("403")
    await desk.press("escape", "enter")
    await desk.sees("Channels \u203a ops-hook")
    await desk.sees("Test of channel ops-hook")
    await desk.sees("✗ dead")


async def test_a_form_says_beneath_the_field_what_the_server_refused(desk: Desk) -> None:
    await go(desk, 0)
    await desk.sees("No channel yet")
    await desk.press("n")
    await desk.fill("ops", "nosuch")
    await desk.press("enter")
    # To look an address up, all the services that there are have to be read first: seconds on a busy machine.
    await until(lambda: "is not one that is known here" in desk.frame)
    await desk.sees("Make a channel")


async def test_a_channel_is_changed_switched_off_and_on_and_deleted(desk: Desk, hook: Hook) -> None:
    made = await desk.other.channels.add({"name": "ops-hook", "url": hook.url, "min_severity": "HIGH"})
    await go(desk, 0)
    await desk.sees("HIGH and above")
    await desk.press("E")
    await desk.sees("Change channel ops-hook")
    await desk.press("tab", "tab", "tab", "tab", "right", "enter")
    await desk.sees("CRITICAL and above")
    await desk.press("z")
    await desk.sees("‖ off")
    await desk.press("z")
    await desk.sees("? unproven")
    await desk.delete("Delete ops-hook?")
    await desk.sees("No channel yet")
    assert made.id not in [each.id for each in (await desk.other.channels.list()).data]


async def test_a_new_key_is_shown_once_and_works_until_it_is_revoked(desk: Desk) -> None:
    await go(desk, 3)
    await desk.sees("No key beside the owner's")
    await desk.press("n")
    await desk.fill("backup-host", "", "", "90d")
    await desk.press("enter")
    await desk.sees("shown this once")
    await desk.sees("tdk_")
    await desk.press("escape")
    await desk.misses("tdk_")
    await until(lambda: "INGEST" in desk.line("backup-host"))
    await desk.delete("Revoke backup-host?")
    await desk.sees("No key beside the owner's")


async def test_its_lists_are_commands_of_their_own(desk: Desk) -> None:
    await desk.press("colon", *"keys", "enter")
    await desk.sees("Admin \u203a Keys")
    await desk.press("colon", *"departments", "enter")
    await desk.sees("Admin \u203a Departments")


async def test_departments_are_made_and_default_stays(desk: Desk) -> None:
    await go(desk, 2)
    await desk.sees("default")
    await desk.press("D")
    await desk.sees("D delete: default gets what nothing else routes")
    await desk.press("n")
    await desk.fill("ops", "Operations")
    await desk.press("enter")
    await desk.sees("Operations")


async def test_who_may_not_make_keys_is_told_so(server: Server) -> None:
    async with desk_over(server, "admin", role="MAINTAINER") as desk:
        await desk.sees("is MAINTAINER and may not manage keys")
        await go(desk, 3)
        await desk.press("n")
        await desk.sees("n new: the key 'a MAINTAINER' is MAINTAINER and may not manage keys")
