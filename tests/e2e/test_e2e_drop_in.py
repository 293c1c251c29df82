"""ToTrackIt's users change host, port and key, and nothing else."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.clocks import PATIENCE

if TYPE_CHECKING:
    from tests.e2e.premises import Premises

README = """\
curl -X POST "http://localhost:8080/v1/processes/dataImport" \\
  -H "X-API-KEY: ns_abc123" \\
  -H "Content-Type: application/json" \\
  -d '{
        "id": "batch42",
        "deadline": 1699999999,
        "tags": [{ "key": "env", "value": "prod" }],
        "context": { "customerId": "C1234" }
      }'
"""


def test_the_curl_of_totrackits_readme_works_with_host_port_and_key_changed(served: Premises) -> None:
    place = urlsplit(served.url)
    command = README.replace("localhost:8080", f"{place.hostname}:{place.port}").replace("ns_abc123", served.key)
    run = _by_curl(command) if shutil.which("curl") else _by_hand(command, served)
    assert (run["process"], run["id"], run["status"]) == ("dataImport", "batch42", "ACTIVE")
    assert run["tags"] == {"env": "prod"}
    assert run["context"] == {"customerId": "C1234"}
    assert (run["deadline"], run["deadline_status"]) == ("2023-11-14T22:13:19.000000Z", "MISSED")
    incidents = served.ask("GET", "/v1/incidents?process=dataImport")[1]["data"]
    assert [incident["due_at"] for incident in incidents] == [run["deadline"]]


def _by_curl(command: str) -> Any:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def _by_hand(command: str, served: Premises) -> Any:
    """The same bytes, where there is no curl."""
    place = urlsplit(served.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)
    body = command.partition("-d '")[2].rstrip().removesuffix("'")
    headers = {"X-API-KEY": served.key, "Content-Type": "application/json"}
    connection.request("POST", "/v1/processes/dataImport", body, headers)
    answer = connection.getresponse()
    assert answer.status == 201
    run = json.loads(answer.read())
    connection.close()
    return run
