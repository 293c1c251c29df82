"""What may be said about a process."""

from __future__ import annotations

import orjson
import pytest
from pydantic import ValidationError

from trackdesk.domain.clock import MINUTE
from trackdesk.domain.process import ChangeProcess


@pytest.mark.parametrize("share", [0, 1, 0.75])
def test_the_warning_is_a_share(share: float) -> None:
    assert ChangeProcess.model_validate_json(orjson.dumps({"warn_at": share})).warn_at == share


def test_null_and_absent_are_told_apart() -> None:
    body = ChangeProcess.model_validate_json(b'{"default_deadline": null}')

    assert body.model_fields_set == {"default_deadline"}


def test_a_deadline_may_be_text_or_seconds() -> None:
    assert ChangeProcess.model_validate_json(b'{"default_deadline": "30m"}').default_deadline == 30 * MINUTE
    assert ChangeProcess.model_validate_json(b'{"default_deadline": 60}').default_deadline == MINUTE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("warn_at", -0.1),
        ("warn_at", 1.1),
        ("warn_at", "0.5"),
        ("warn_at", True),
        ("default_deadline", "0s"),
        ("default_deadline", 0),
        ("default_deadline", -5),
        ("default_deadline", "2026-01-02T03:04:05Z"),
        ("heartbeat_timeout", "10ms"),
        ("auto_close", 1),
        ("auto_close", "yes"),
        ("incident_per", "PROCESS"),
        ("department", "a/b"),
        ("runbook_url", "javascript:alert(1)"),
        ("runbook_url", "https://a b"),
        ("runbook_url", "https://a\x00"),
        ("runbook_url", "https://" + "x" * 2000),
        ("description", "x" * 10_001),
        ("name", "other"),
    ],
)
def test_what_is_wrong_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        ChangeProcess.model_validate_json(orjson.dumps({name: value}))

    assert caught.value.errors()[0]["loc"][0] == name


@pytest.mark.parametrize("text", [b'{"warn_at": NaN}', b'{"warn_at": Infinity}', b'{"warn_at": 1e999}'])
def test_numbers_that_are_none_are_refused(text: bytes) -> None:
    with pytest.raises(ValidationError):
        ChangeProcess.model_validate_json(text)
