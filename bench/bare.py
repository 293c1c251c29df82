"""The yardsticks: an aiohttp handler that reads the body, validates it with the model and answers as many bytes, and
one that answers OK.

python -m bench.bare PORT
"""

import asyncio
import sys

import uvloop
from aiohttp import web
from pydantic import TypeAdapter

from trackdesk.domain.metric import NewSample
from trackdesk.domain.run import StartRun

ANSWER_BYTES = 697
SAMPLE_BYTES = 162
validate = TypeAdapter(StartRun).validator.validate_json
answer = b"{" + b" " * (ANSWER_BYTES - 2) + b"}"
validate_sample = TypeAdapter(NewSample).validator.validate_json
sample_answer = b"{" + b" " * (SAMPLE_BYTES - 2) + b"}"


async def start(request: web.Request) -> web.Response:
    """Nothing but what any handler must do."""
    validate(await request.read())
    return web.Response(body=answer, status=201, content_type="application/json")


async def sample(request: web.Request) -> web.Response:
    """The same of a sample."""
    validate_sample(await request.read())
    return web.Response(body=sample_answer, status=201, content_type="application/json")


async def ping(_: web.Request) -> web.Response:
    """Less than this can't be done."""
    return web.Response(body=b"OK", content_type="text/plain")


async def serve(port: int) -> None:
    """Until killed."""
    app = web.Application()
    app.router.add_post("/v1/processes/{process}", start)
    app.router.add_post("/v1/metrics", sample)
    app.router.add_get("/ping/{key}/{process}", ping)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
