"""Alerts of other tools."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from trackdesk.domain.alert import Alert, AlertmanagerMessage, AlertsTaken, RefusedAlert, understand
from trackdesk.domain.errors import Invalid
from trackdesk.domain.wording import field_errors
from trackdesk.engine import alerts

if TYPE_CHECKING:
    from trackdesk.domain.alert import Known
    from trackdesk.server.call import Call, Handler

_SHOWN: Final = 100
"""Characters of a name that is refused."""
_TURN: Final = 100
"""Alerts after which others get their turn, some milliseconds."""


async def alertmanager(call: Call) -> AlertsTaken:
    """Raises Invalid when there are alerts and none of them can be taken: Alertmanager then says so in its log."""
    message: AlertmanagerMessage = call.body
    known, refused = [], []
    for number, given in enumerate(message.alerts, start=1):
        if number % _TURN == 0:
            await asyncio.sleep(0)
        try:
            known.append(_known(given, message.external_url))
        except ValueError as error:
            refused.append(_refused(number, given, str(error)))
    if refused and not known:
        first = refused[0]
        raise Invalid(f"alerts.{first.alert - 1}", first.detail)
    counts = await alerts.take(call.engine, call.caller, known)
    return AlertsTaken(
        opened=counts[alerts.OPENED],
        repeated=counts[alerts.REPEATED],
        closed=counts[alerts.CLOSED],
        unchanged=counts[alerts.UNCHANGED],
        refused=refused,
    )


def _known(given: dict[str, Any], external_url: str | None) -> Known:
    """Raises ValueError, in a sentence."""
    try:
        return understand(Alert.model_validate(given), external_url)
    except ValidationError as error:
        raise ValueError("; ".join(f"{each.field}: {each.message}" for each in field_errors(error, b""))) from None


def _refused(number: int, given: dict[str, Any], detail: str) -> RefusedAlert:
    labels, fingerprint = given.get("labels"), given.get("fingerprint")
    name = labels.get("alertname") if isinstance(labels, dict) else None
    return RefusedAlert(
        alert=number,
        name=name[:_SHOWN] if isinstance(name, str) else None,
        fingerprint=fingerprint[:_SHOWN] if isinstance(fingerprint, str) else None,
        detail=detail,
    )


HANDLERS: Final[dict[str, Handler]] = {"alerts.alertmanager": alertmanager}
