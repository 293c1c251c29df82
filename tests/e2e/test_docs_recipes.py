"""What docs/recipes.md gives to cron, systemd, GitHub and Kubernetes is read as they read it, and its commands run at a
real server. Other people's tools are stand-ins that say their name."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.e2e.pages import blocks
from tests.e2e.ready import ready_trackdesk
from trackdesk.domain.schedule import Cron

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.premises import Premises

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"
SERVER, KEY = "https://desk.example.org", "INGEST_KEY"
TOOLS = (
    *("backup", "queue-sweep", "rotate", "restic", "borg", "pg_dump", "make", "load-warehouse"),
    *("migrate-shop", "roll-out-shop", "journalctl"),
)
STAND_IN = """\
#!/bin/sh
echo "{name} $*"
case " $FAILS " in *" {name} "*) exit 3 ;; esac
"""

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None or shutil.which("curl") is None, reason="needs bash and curl"
)


class Place:
    """A folder with the tools on its path, and a server that the recipes mean."""

    def __init__(self, folder: Path, served: Premises, trackdesk: Path) -> None:
        self.folder, self._served = folder, served
        self._tools = folder / "bin"
        self._tools.mkdir()
        (self._tools / "trackdesk").symlink_to(trackdesk)
        for name in TOOLS:
            (self._tools / name).write_text(STAND_IN.format(name=name))
            (self._tools / name).chmod(0o755)
        made = served.within("key", "make", folder.name, "--role", "INGEST", "--json").stdout
        self.key = str(json.loads(made)["key"])
        self.environ = {
            **served.environ,
            "TRACKDESK_DATA_DIR": str(folder / "data"),
            "TRACKDESK_URL": served.url,
            "TRACKDESK_API_KEY": self.key,
        }

    def real(self, text: str) -> str:
        """`text` with the addresses of this place."""
        for said, meant in (
            (SERVER, self._served.url),
            (KEY, self.key),
            ("/opt/trackdesk/bin/", ""),
            ("/usr/local/bin/", ""),
        ):
            text = text.replace(said, meant)
        return text

    def does(self, words: list[str], code: int = 0, **environ: str) -> str:
        """What a command prints."""
        known = {**self.environ, **environ}
        known["PATH"] = f"{self._tools}{os.pathsep}{known.get('PATH', os.defpath)}"
        words[0] = shutil.which(words[0], path=known["PATH"]) or words[0]
        done = subprocess.run(
            words, env=known, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def runs(self, process: str) -> list[dict[str, Any]]:
        """What the server knows of a process, newest first."""
        found = json.loads(self._served.within("runs", "--process", process, "--json").stdout)
        assert isinstance(found, list)
        return found

    def ends(self, process: str) -> list[tuple[str, str | None]]:
        return [(each["status"], (each["error"] or {}).get("message")) for each in self.runs(process)]

    def log(self, run: dict[str, Any]) -> str:
        return self._served.within("runs", "show", run["uid"]).stdout


@pytest.fixture(scope="module")
def trackdesk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder, ready_trackdesk(Path(folder)) as tool:
        yield tool


@pytest.fixture
def place(tmp_path: Path, served: Premises, trackdesk: Path) -> Place:
    return Place(tmp_path, served, trackdesk)


def _block(kind: str, holding: str) -> str:
    (found,) = [text for _, text in blocks(PAGE, kind) if holding in text]
    return found


@pytest.mark.parametrize("holding", ["nightly-backup", "PING="])
def test_a_crontab_has_schedules_and_commands_that_work(holding: str, place: Place) -> None:
    known: dict[str, str] = {}
    commands: list[str] = []
    for line in place.real(_block("crontab", holding)).splitlines():
        name, equals, value = line.partition("=")
        if equals and name.isupper():
            known[name] = value
        else:
            *fields, command = line.split(maxsplit=5)
            assert Cron.model_validate({"cron": " ".join(fields)})
            commands.append(command)
    for command in commands:
        place.does(["sh", "-c", command], **known)
    names = ["nightly-backup", "queue-sweep"] if holding == "nightly-backup" else ["rotate"]
    assert [place.ends(name) for name in names] == [[("COMPLETED", None)]] * len(names)
    place.does(["sh", "-c", commands[0]], code=0 if holding == "PING=" else 3, FAILS="backup rotate", **known)
    assert place.ends(names[0])[0] == ("FAILED", "exit code 3")


def _units(place: Place) -> dict[str, dict[str, dict[str, str]]]:
    """By file name: section → name → value."""
    found = {}
    for _, text in blocks(PAGE, "ini"):
        path, _, rest = text.partition("\n")
        parser = configparser.RawConfigParser()
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(place.real(rest.replace("%N", "certbot").replace("%i", "certbot")))
        found[path.rpartition("/system/")[2]] = {name: dict(parser[name]) for name in parser.sections()}
    return found


def test_units_of_systemd_report_what_their_commands_do(place: Place) -> None:
    units = _units(place)
    assert units["nightly-backup.timer"]["Install"]["WantedBy"] == "timers.target"
    before = len(place.ends("nightly-backup"))
    place.does(shlex.split(units["nightly-backup.service"]["Service"]["ExecStart"]))
    assert len(place.ends("nightly-backup")) == before + 1
    drop_in, failed = units["certbot.service.d/trackdesk.conf"], units["trackdesk-failed@.service"]
    assert drop_in["Unit"]["OnFailure"] == "trackdesk-failed@certbot.service"
    start, end = (drop_in["Service"][name].removeprefix("-") for name in ("ExecStartPre", "ExecStartPost"))
    place.does(shlex.split(start))
    place.does(shlex.split(end))
    place.does(shlex.split(start))
    place.does(shlex.split(failed["Service"]["ExecStart"].replace("/bin/sh", "sh")))
    assert [status for status, _ in place.ends("certbot")] == ["FAILED", "COMPLETED"]
    assert "journalctl -u certbot.service" in place.log(place.runs("certbot")[0])


@pytest.mark.parametrize(
    ("outcome", "status"), [("success", "COMPLETED"), ("failure", "FAILED"), ("cancelled", "SKIPPED")]
)
def test_a_workflow_of_github_tells_how_it_ended(outcome: str, status: str, place: Place) -> None:
    text = place.real(_block("yaml", "runs-on")).replace("${{ job.status }}", outcome)
    text = text.replace("${{ secrets.TRACKDESK_KEY }}", place.key)
    ((_, job),) = yaml.safe_load(text)["jobs"].items()
    github = {
        "GITHUB_RUN_ID": f"1640{len(outcome)}",
        "GITHUB_ACTOR": "ada",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "ada/shop",
    }
    for step in job["steps"]:
        if "run" in step:
            place.does(["bash", "-e", "-o", "pipefail", "-c", step["run"]], **github, **job["env"])
    run = place.runs("nightly-report")[0]
    assert (run["id"], run["status"], run["triggered_by"]) == (github["GITHUB_RUN_ID"], status, "ada")
    assert run["context"]["page"] == f"https://github.com/ada/shop/actions/runs/{run['id']}"


def test_a_cron_job_of_kubernetes_reports_and_keeps_its_exit_code(place: Place) -> None:
    secret, job = yaml.safe_load_all(place.real(_block("yaml", "CronJob")))
    assert Cron.model_validate({"cron": job["spec"]["schedule"], "timezone": job["spec"]["timeZone"]})
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (variable,) = container["env"]
    wanted = variable["valueFrom"]["secretKeyRef"]
    assert wanted["name"] == secret["metadata"]["name"]
    known = {variable["name"]: secret["stringData"][wanted["key"]]}
    place.does([*container["command"], *container["args"]], **known)
    place.does([*container["command"], *container["args"]], code=3, FAILS="load-warehouse", **known)
    assert place.ends("warehouse-load") == [("FAILED", "exit code 3"), ("COMPLETED", None)]


def test_backup_tools_are_runs_with_their_exit_codes(place: Place) -> None:
    script = place.real(_block("bash", "restic backup"))
    known = {"BORG_REPO": "repo"}
    place.does(["bash", "-e", "-c", script], **known)
    place.does(["bash", "-c", script], code=3, FAILS="restic borg pg_dump", **known)
    for name in ("restic-home", "restic-prune", "borg-home", "shop-dump"):
        assert [status for status, _ in place.ends(name)] == ["FAILED", "COMPLETED"], name
    assert "restic backup --quiet /home" in place.log(place.runs("restic-home")[0])


def test_the_address_that_borgmatic_is_given_takes_its_pings(place: Place) -> None:
    address = yaml.safe_load(place.real(_block("yaml", "ping_url")))["healthchecks"]["ping_url"]
    for end in ("/start", "", "/start", "/fail"):
        with urllib.request.urlopen(address + end, data=b"its log") as answer:
            assert answer.status in {200, 201}
    assert place.ends("borgmatic-home") == [("FAILED", "its log"), ("COMPLETED", None)]


def test_a_deploy_script_says_how_far_it_is(place: Place) -> None:
    script = place.folder / "deploy.sh"
    script.write_text(_block("bash", "# deploy.sh"))
    script.chmod(0o755)
    place.does(["bash", "-c", place.real(_block("bash", "deploy-shop"))], VERSION="1.4.2", USER="ada")
    (run,) = place.runs("deploy-shop")
    assert (run["id"], run["status"], run["tags"]["version"], run["triggered_by"]) == (
        *("1.4.2", "COMPLETED", "1.4.2", "ada"),
    )
    assert "migrating the database" in place.log(run)
