"""What the fields of the console's form of an expectation mean."""

from __future__ import annotations

import pytest

from trackdesk.domain.process import Process
from trackdesk.domain.schedule import Cron, Every
from trackdesk.screens.expectation import changes, fields_of, problems, schedule_of
from trackdesk.widgets.zone import local_zone

MINUTE = 60_000_000


def process(**members: object) -> Process:
    given = {"name": "import", "state": "OK", "created_at": 0, "updated_at": 0, "version": 1, **members}
    return Process.model_construct(**given)


def typed(of: Process, **fields: str) -> dict[str, str]:
    return {field.name: field.value for field in fields_of(of)} | fields


def test_a_form_left_as_it_was_changes_nothing() -> None:
    schedule = Cron.model_construct(cron="0 2 * * *", timezone="Europe/Berlin")
    for one in (process(), process(schedule=schedule, grace=5 * MINUTE, default_deadline=30 * MINUTE)):
        assert changes(one, typed(one)) == {}
        assert problems(typed(one)) == {}


@pytest.mark.parametrize("text", ["every 15m", "15m", "Every 15m"])
def test_a_time_alone_is_so_long_after_the_last_start(text: str) -> None:
    assert schedule_of(typed(process(), schedule=text)) == Every.model_construct(every=15 * MINUTE)
    assert changes(process(), typed(process(), schedule=text)) == {"schedule": {"every": "15m"}}


def test_a_cron_line_goes_by_the_zone_beside_it() -> None:
    fields = typed(process(), schedule="0 2 * * *", timezone="Europe/Berlin")
    assert changes(process(), fields) == {"schedule": {"cron": "0 2 * * *", "timezone": "Europe/Berlin"}}
    assert schedule_of(typed(process(), schedule="@daily")) == Cron(cron="@daily", timezone=local_zone())


def test_an_emptied_field_takes_the_default_again() -> None:
    one = process(schedule=Every.model_construct(every=MINUTE), grace=MINUTE, default_deadline=MINUTE, warn_at=0.5)
    emptied = typed(one, schedule="", grace="", default_deadline="", warn_at="", alert_after_failures="")
    assert changes(one, emptied) == {
        "schedule": None,
        "grace": None,
        "default_deadline": None,
        "warn_at": None,
        "alert_after_failures": None,
    }


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("schedule", "0 2 30 2 *", "never fires"),
        ("schedule", "99 * * * *", "99"),
        ("schedule", "every", "expected"),
        ("schedule", "every 0s", "at least 1s"),
        ("timezone", "Mars/Olympus", "Mars/Olympus"),
        ("grace", "soon", "soon"),
        ("default_deadline", "0s", "more than 0s"),
        ("warn_at", "75", "from 0 to 1"),
        ("warn_at", "nan", "from 0 to 1"),
        ("alert_after_failures", "0", "from 1 to 100"),
        ("alert_after_failures", "²", "from 1 to 100"),
    ],
)
def test_what_is_wrong_is_said_of_its_field(field: str, text: str, said: str) -> None:
    found = problems(typed(process(), **{field: text}))
    assert list(found) == [field]
    assert said in found[field]


def test_a_grace_longer_than_the_period_is_refused() -> None:
    assert "at most 15m" in problems(typed(process(), schedule="every 15m", grace="16m"))["grace"]


def test_the_zone_of_this_machine_is_named_as_zones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for told, name in (("Europe/Berlin", "Europe/Berlin"), (":Asia/Tokyo", "Asia/Tokyo"), ("CET-1CEST", "UTC")):
        local_zone.cache_clear()
        monkeypatch.setenv("TZ", told)
        assert local_zone() == name
    local_zone.cache_clear()
