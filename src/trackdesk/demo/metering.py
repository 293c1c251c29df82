"""Sends what the company's services measure: the past in large pieces, the present second by second."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from trackdesk.demo.fate import luck
from trackdesk.demo.watched import GAUGES, RULES, SERVICES, Spell, out, spells, value
from trackdesk.domain.clock import HOUR, MINUTE, SECOND
from trackdesk.domain.instant import format_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackdesk.client import Client
    from trackdesk.demo.diary import Diary
    from trackdesk.demo.watched import Gauge

_FAR, _NEAR = 5 * MINUTE, 30 * SECOND
"""From one sample of the past to the next: long ago, and in the hours that the rules have looked at."""
RULES_SINCE = 8 * HOUR
_PIECE = 10 * MINUTE
_TROUBLED = ("shop-api", "search", "bank-gateway", "network", "mailer", "crm-api")


class Metering:
    """`admin` makes services, rules and silences; `client` may only send."""

    def __init__(self, admin: Client, client: Client, diary: Diary, *, seed: int, present: int) -> None:
        self._admin, self._client, self._diary = admin, client, diary
        self._seed = seed
        self.present = present
        self._spells: list[Spell] = []

    # -- the past --------------------------------------------------------------------------------------------------

    async def found(self) -> None:
        """The services, before they send anything."""
        for each in SERVICES:
            body: dict[str, Any] = {"name": each.name, "department": each.department, "description": each.description}
            await self._admin.services.add({**body, "depends_on": list(each.depends_on)})

    def plan_past(self, begin: int) -> None:
        """Notes what is to be sent from `begin` to the present, and what people do about it."""
        present = self.present
        self._foresee(begin, present)
        watched = max(begin, present - RULES_SINCE)
        for at in range(begin, watched, 2 * HOUR):
            self._diary.note(
                min(at + 2 * HOUR, watched), partial(self._send_past, at, min(at + 2 * HOUR, watched), _FAR)
            )
        self._diary.note(watched, self._rule, exact=True)
        for at in range(watched, present, _PIECE):
            end = min(at + _PIECE, present)
            self._diary.note(end - 1, partial(self._send_past, at, end, _NEAR), exact=True)
        self._diary.note(present - 95 * MINUTE, self._silence, exact=True)

    async def _rule(self) -> None:
        for rule in RULES:
            await self._admin.rules.add(rule)

    async def _silence(self) -> None:
        until = format_instant(self.present + 3 * HOUR)
        match = {"service": "registry"}
        await self._admin.silences.add({"match": match, "until": until, "reason": "it moves to the new rack"})
        plan = {"cron": "0 3 * * 0", "timezone": "Europe/Berlin"}
        body = {"name": "weekly-patching", "department": "infra", "schedule": plan, "duration": "2h"}
        await self._admin.maintenance.add({**body, "reason": "security updates, a rack at a time"})

    async def _send_past(self, begin: int, end: int, step: int) -> None:
        samples = [
            self._sample(gauge, at)
            for at in range(begin, end, step)
            for gauge in GAUGES
            if not gauge.stopped or at < self.present - gauge.stopped
        ]
        if samples:
            await self._client.metrics.send(samples)

    # -- the present -----------------------------------------------------------------------------------------------

    def open(self, now: int) -> None:
        """From `now` on, a sample a second of each, and a bad spell of some service now and then."""
        self._foresee(now, now + HOUR)
        self._trouble(now + 8 * SECOND, 0)
        self._beat(now)

    def _beat(self, at: int) -> None:
        self._diary.note(at, partial(self._send_now, at))

    async def _send_now(self, at: int) -> None:
        self._beat(max(at + SECOND, self._diary.clock.now()))
        await self._client.metrics.send([self._sample(gauge, at) for gauge in GAUGES if not gauge.stopped])

    def _trouble(self, at: int, scene: int) -> None:
        draw = luck(self._seed, "spell", scene)
        self._spells.append(Spell(draw.choice(_TROUBLED), at, draw.randint(50, 110) * SECOND))
        after = at + draw.randint(60, 150) * SECOND

        async def again() -> None:
            self._spells = [each for each in self._spells if each.begins + each.lasts > at]
            self._trouble(after, scene + 1)

        self._diary.note(after, again)

    # -- both ------------------------------------------------------------------------------------------------------

    def _foresee(self, begin: int, end: int) -> None:
        for each in SERVICES:
            self._spells += spells(self._seed, each.name, begin, end)

    def _sample(self, gauge: Gauge, at: int) -> dict[str, Any]:
        measured = value(gauge, self._seed, at, self.present, bad=self._bad(gauge.service, at))
        sample = {"service": gauge.service, "metric_type": gauge.metric_type, "value": measured}
        return {**sample, "recorded_at": at / SECOND, "tags": gauge.tags}

    def _bad(self, service: str, at: int) -> bool:
        own: Sequence[Spell] = self._spells
        return out(service, at, self.present) or any(
            each.service == service and each.begins <= at < each.begins + each.lasts for each in own
        )
