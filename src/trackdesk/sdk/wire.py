"""The few calls that a job makes, as they stand on the wire."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from trackdesk.sdk.http import ServerAway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.sdk.http import Http

_LINES_A_CALL = 500
_BYTES_A_CALL = 256 * 1024

Json = dict[str, Any]


def start(http: Http, process: str, body: Json, key: str, *, timeout: float | None = None) -> Json:
    """Starts a run and gives it; the same `key` and body within a day give the same run again."""
    path = f"/v1/processes/{quote(process, safe=':')}"
    run = http.call("POST", path, body, idempotency_key=key, timeout=timeout)
    if not isinstance(run, dict) or not isinstance(run.get("uid"), str):
        raise ServerAway(f"{http.target.url} answers without a run's uid: is it a trackdesk server?", status=200)
    return run


def run_path(run: str) -> str:
    """The path of a run, given as its uid or as `NAME/ID`."""
    process, slash, run_id = run.partition("/")
    if slash:
        return f"/v1/processes/{quote(process, safe=':')}/{quote(run_id, safe=':')}"
    return f"/v1/runs/{quote(run, safe=':')}"


def complete(http: Http, run: str, body: Json, *, timeout: float | None = None) -> Json:
    done: Json = http.call("POST", run_path(run) + "/complete", body, timeout=timeout)
    return done


def beat(http: Http, run: str, progress: Json | None, *, timeout: float | None = None) -> None:
    """A sign of life, with the progress when there is news of it."""
    http.call("PATCH", run_path(run), {"progress": progress} if progress else {}, timeout=timeout)


def ingest(http: Http, lines: bytes, count: int, *, timeout: float | None = None) -> Json:
    """What the server made of `count` lines of many kinds: `accepted`, and `refused` with `line`, `code`, `detail`."""
    answer = http.call("POST", "/v1/ingest", lines, timeout=timeout)
    known = isinstance(answer, dict) and isinstance(answer.get("accepted"), int)
    if not known or not isinstance(answer.get("refused"), list) or answer["accepted"] + len(answer["refused"]) != count:
        raise ServerAway(
            f"{http.target.url} doesn't account for what it was sent: is it a trackdesk server?", status=200
        )
    told: Json = answer
    return told


def send_logs(http: Http, run: str, lines: Sequence[Json], *, timeout: float | None = None) -> int:
    """Sends as many of the first lines as one call takes; gives their number."""
    size = count = 0
    for line in lines[:_LINES_A_CALL]:
        size += len(json.dumps(line))
        if count and size > _BYTES_A_CALL:
            break
        count += 1
    if count:
        http.call("POST", run_path(run) + "/logs", list(lines[:count]), timeout=timeout)
    return count
