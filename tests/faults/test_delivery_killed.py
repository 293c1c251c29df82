import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.clocks import PATIENCE
from tests.engine.outbox import Hook, open_hook, open_outbox

SENDER = """
import asyncio, sys
from pathlib import Path
from tests.engine.outbox import open_outbox

async def main():
    async with open_outbox(Path(sys.argv[1])) as outbox:
        await outbox.channel("ops", sys.argv[2])
        await outbox.tell(count=3)
        await outbox.until_statuses("SENT", "SENT", "SENT")

asyncio.run(main())
"""


async def killed_at(point: str, folder: Path, hook: Hook) -> None:
    """Runs a process that sends three deliveries until it is killed at `point`."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "TRACKDESK_KILL_AT": point, "PYTHONPATH": f"{root}{os.pathsep}{root / 'src'}"}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SENDER, str(folder), hook.url, env=environment)
    assert await asyncio.wait_for(process.wait(), PATIENCE) == -signal.SIGKILL


@pytest.mark.parametrize("point", ["delivery.before_send:2", "delivery.after_send:2"])
async def test_a_kill_around_a_send_loses_nothing_and_a_repeat_carries_the_same_id(tmp_path: Path, point: str) -> None:
    async with open_hook() as hook:
        await killed_at(point, tmp_path, hook)
        before = len(hook.headers)
        async with open_outbox(tmp_path, running=False) as outbox:
            assert await outbox.statuses() == ["SENT", "PENDING", "PENDING"]
            await outbox.worker.start()
            await outbox.until_statuses("SENT", "SENT", "SENT")
            assert await outbox.rows("PRAGMA integrity_check") == [("ok",)]
            known = {row[0] for row in await outbox.rows("SELECT uid FROM deliveries")}
        sent = [headers["Idempotency-Key"] for headers in hook.headers]
        assert set(sent) == known
        assert before == (1 if point.startswith("delivery.before") else 2)
        assert len(sent) == (3 if point.startswith("delivery.before") else 4)
