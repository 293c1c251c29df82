"""The fields of a rule as a person fills them in."""

from __future__ import annotations

import pytest

from trackdesk.screens.rule_form import fields_of, problems


@pytest.mark.parametrize("text", ["x", "nan", "inf", "1e999"])
def test_what_json_has_no_number_for_is_said_beneath_its_field(text: str) -> None:
    values = {field.name: field.value for field in fields_of(None)}
    assert problems({**values, "threshold": text}) == {"threshold": "expected a number"}
