"""What the verbs take and say, where no server is needed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trackdesk.cli import exits, maintenance, times
from trackdesk.cli.main import build_parser, main
from trackdesk.cli.process_set import coming
from trackdesk.cli.processes import expected
from trackdesk.cli.table import lines
from trackdesk.cli.verbs import BY_NAME
from trackdesk.domain.clock import DAY, HOUR, MINUTE
from trackdesk.domain.maintenance import Maintenance, MaintenanceWindow
from trackdesk.domain.process import Process, ProcessState
from trackdesk.domain.schedule import Every
from trackdesk.domain.silence import SilenceState

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("verb", ["services", "key", "channel", "department", "maintenance", "silence"])
def test_every_list_can_be_cut_short(verb: str) -> None:
    parser = build_parser(BY_NAME[verb])
    assert parser.parse_args(["--limit", "3"]).limit == 3
    assert parser.parse_args(["list", "-n", "3"]).limit == 3
    assert parser.parse_args([]).limit is None


def test_a_word_too_many_is_shown_also_when_it_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["department", "add", "x", ""]) == exits.USAGE
    assert "unrecognized arguments: ''\n" in capsys.readouterr().err


def test_a_demo_is_kept_in_a_directory_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    for place, why in ((file, "there is a file"), (file / "below", "Not a directory")):
        assert main(["demo", "--keep", str(place)]) == exits.FAILED
        said = capsys.readouterr().err
        assert "--keep: expected a directory that can be written" in said
        assert (why in said, str(place) in said) == (True, True)


def test_a_next_start_is_said_with_the_time_that_is_left_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    at = times.now() + 110 * MINUTE
    process = Process.model_construct(
        name="backup", state=ProcessState.OK, schedule=Every(every="3h"), next_expected_at=at, missing_since=None
    )
    coming(process, apart=False)
    assert "(in 1h)" in capsys.readouterr().out.splitlines()[1]
    assert expected(process).text == "in 1h"


def test_times_in_sentences_are_said_as_all_others() -> None:
    said = times.said("is tried again, next at 2026-01-02T03:04:05.000000Z; INC-2026-01 stays")
    assert said == f"is tried again, next at {times.full(1_767_323_045_000_000)}; INC-2026-01 stays"


def test_the_plan_of_a_maintenance_is_whole_on_eighty_columns() -> None:
    start = times.now() + 6 * DAY + HOUR
    found = Maintenance.model_construct(
        id=12,
        name="weekly-patching",
        service="payment-gateway",
        reason="machines are patched",
        schedule={"cron": "0 2 * * 0", "timezone": "Europe/Berlin"},
        duration=2 * HOUR,
        state=SilenceState.PENDING,
        windows=[MaintenanceWindow.model_construct(from_=start, until=start + 2 * HOUR)],
        muted=0,
    )
    _, line = lines(maintenance._COLUMNS, [maintenance._row(found)], 80)
    assert len(line) <= 80
    assert "0 2 * * 0 Europe/Berlin for 2h  in 6d" in line
