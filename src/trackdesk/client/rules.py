"""Rules over metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackdesk.client.group import Group
from trackdesk.contract import rules

if TYPE_CHECKING:
    import builtins

    from trackdesk.client.encoding import Body, Query
    from trackdesk.domain.page import Page
    from trackdesk.domain.rule import ListedRule, TriggeredRule
    from trackdesk.domain.rule_trial import RuleTrial


class Rules(Group):
    async def list(self, query: Query = None) -> Page[ListedRule]:
        return await self._call(rules.RULE_LIST, query=query)

    async def add(self, body: Body, *, idempotency_key: str | None = None) -> ListedRule:
        return await self._call(rules.RULE_ADD, body=body, idempotency_key=idempotency_key)

    async def preview(self, body: Body) -> RuleTrial:
        return await self._call(rules.RULE_TRY, body=body)

    async def top(self, query: Query = None) -> builtins.list[TriggeredRule]:
        return await self._call(rules.RULE_TOP, query=query)

    async def get(self, rule: str) -> ListedRule:
        return await self._call(rules.RULE_GET, path={"rule": rule})

    async def patch(self, rule: str, body: Body, *, if_match: int | None = None) -> ListedRule:
        return await self._call(rules.RULE_PATCH, path={"rule": rule}, body=body, if_match=if_match)

    async def delete(self, rule: str) -> None:
        await self._call(rules.RULE_DELETE, path={"rule": rule})

    async def test(self, rule: str, body: Body = None) -> RuleTrial:
        return await self._call(rules.RULE_TEST, path={"rule": rule}, body=body)
