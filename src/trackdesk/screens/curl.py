"""The curl that does what was done here. The key is never in it: it is read from the environment."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trackdesk.client import Client


def curl(client: Client, method: str, path: str, body: Mapping[str, Any] | None = None) -> str:
    """One command for a shell; `path` is escaped already."""
    parts = ["curl -sS"]
    if method != "GET" and not (method == "POST" and body is not None):
        parts.append(f"-X {method}")
    parts += [shlex.quote(client.url + path), '-H "X-API-Key: $TRACKDESK_API_KEY"']
    if body is not None:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}"]
    return " \\\n  ".join([" ".join(parts[:2]), *parts[2:]])
