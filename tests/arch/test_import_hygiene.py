"""What is loaded when, looked up in a fresh interpreter: a deferred import only defers when nobody else hurries."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def loaded_by(code: str) -> set[str]:
    """Top-level names in sys.modules after `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import trackdesk",
        "from trackdesk import track, configure",
        "import trackdesk.cli.main; trackdesk.cli.main.main(['--help'])",
        *(
            f"import trackdesk.cli.{verb}"
            for verb in ("start", "complete", "run", "log", "ping", "metric", "config", "version")
        ),
    ],
)
def test_the_sdk_and_the_quick_verbs_load_the_standard_library_only(code: str) -> None:
    foreign = loaded_by(code) - set(sys.stdlib_module_names) - {"trackdesk", "__main__"} - _SITE
    assert not foreign


def test_the_server_loads_no_textual_and_no_apprise() -> None:
    assert not loaded_by("import trackdesk.runtime") & {"textual", "rich", "apprise", "plotext"}


def test_the_console_paints_before_it_loads_a_server_or_a_client_library() -> None:
    assert not loaded_by("import trackdesk.console.run") & {"aiohttp", "apprise", "plotext", "aiosqlite", "uvloop"}


def test_a_screen_is_loaded_when_it_is_gone_to() -> None:
    script = (
        "import sys\nfrom trackdesk.console.places import SECTIONS\nfrom trackdesk.screens.desk import Desk\n"
        "for each in SECTIONS: each.make(Desk())\n"
        "print(*[name for name in sys.modules if name.startswith('trackdesk.screens.')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    further = {"analytics", "tags", "silences", "maintenance", "admin_channels", "admin_departments", "admin_keys"}
    assert not {name.rpartition(".")[2] for name in done.stdout.split()} & further


_SITE = loaded_by("pass") - set(sys.stdlib_module_names)
"""What the environment itself loads at every start (.pth files)."""
