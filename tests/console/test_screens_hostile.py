"""Text that a terminal would obey, on every screen: shown escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.console.triage_desk import desk_over

if TYPE_CHECKING:
    from trackdesk.client import Client
    from trackdesk.runtime import Server

EVIL = "\x1b[2J\x1b]0;mine\x07\x9b31m\u202egnp\u200b\r\x08[red]x[/red]"
SHOWN = "\\e[2J"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


async def fill(other: Client) -> None:
    await other.departments.add({"id": "evil", "name": EVIL})
    await other.channels.add({"name": EVIL, "url": "json://127.0.0.1:9/x"})
    await other.keys.add({"name": EVIL, "role": "INGEST"})
    await other.processes.patch("evil", {"description": EVIL})
    run = await other.runs.start("evil", {"id": "n1", "tags": {"env": EVIL}, "context": {EVIL: EVIL}, "service": "crm"})
    await other.runs.log(run.uid, [{"message": EVIL, "data": {EVIL: EVIL}}])
    await other.runs.complete(run.uid, {"status": "FAILED", "error": {"message": EVIL}})
    await other.incidents.report({"title": EVIL, "description": EVIL, "service": "crm", "severity": "CRITICAL"})
    await other.comments.add(2, {"content": EVIL})
    rule = {"id": "evil", "name": EVIL, "metric_type": "CPU", "operator": ">", "threshold": 9, "service": "crm"}
    await other.rules.add(rule)


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("overview", ""),
        ("runs", "enter"),
        ("processes", "enter"),
        ("incidents", "enter"),
        ("rules", ""),
        ("inbox", "enter"),
        ("admin", "enter"),
    ],
)
async def test_no_screen_hands_on_what_a_terminal_obeys(server: Server, section: str, keys: str) -> None:
    async with desk_over(server, section) as desk:
        await fill(desk.other)
        await desk.sees({"runs": "evil", "processes": "evil", "admin": "evil"}.get(section, SHOWN))
        assert not OBEYED.search(desk.frame), ascii(desk.frame)
        for key in keys.split():
            await desk.press(key)
            await desk.sees(SHOWN)
            assert not OBEYED.search(desk.frame), ascii(desk.frame)
