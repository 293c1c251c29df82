"""Rules over metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.engine import rule_trial, rulebook
from trackdesk.store import rule_lists

if TYPE_CHECKING:
    from trackdesk.domain.page import Page
    from trackdesk.domain.rule import ListedRule, TriggeredRule
    from trackdesk.domain.rule_trial import RuleTrial
    from trackdesk.server.call import Call, Handler


async def list_rules(call: Call) -> Page[ListedRule]:
    return await rule_lists.page(call.engine.readers, call.caller.namespace_id, call.query, call.engine.clock.now())


async def add(call: Call) -> ListedRule:
    return await rulebook.add(call.engine, call.caller, call.body, call.once)


async def preview(call: Call) -> RuleTrial:
    return await rule_trial.preview(call.engine, call.caller, call.body)


async def top(call: Call) -> list[TriggeredRule]:
    return await rulebook.top_triggered(call.engine, call.caller, call.query)


async def get(call: Call) -> ListedRule:
    return await rule_lists.get(call.engine.readers, call.caller.namespace_id, call.path["rule"])


async def patch(call: Call) -> ListedRule:
    return await rulebook.patch(call.engine, call.caller, call.path["rule"], call.body, call.if_match)


async def delete(call: Call) -> None:
    await rulebook.delete(call.engine, call.caller, call.path["rule"])


async def test(call: Call) -> RuleTrial:
    return await rule_trial.test(call.engine, call.caller, call.path["rule"], call.body)


HANDLERS: Final[dict[str, Handler]] = {
    "rules.list": list_rules,
    "rules.add": add,
    "rules.preview": preview,
    "rules.top": top,
    "rules.get": get,
    "rules.patch": patch,
    "rules.delete": delete,
    "rules.test": test,
}
