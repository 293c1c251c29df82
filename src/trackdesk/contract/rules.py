"""Calls about rules."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain import filters, rule, rule_trial
from trackdesk.domain.identity import Permission
from trackdesk.domain.page import Page

RULE_LIST: Final = Endpoint[Page[rule.ListedRule]](
    "rules.list",
    (("GET", "/v1/rules"),),
    Permission.READ,
    "List rules and how each fares",
    Page[rule.ListedRule],
    query=filters.RuleFilter,
)
RULE_ADD: Final = Endpoint[rule.ListedRule](
    "rules.add",
    (("POST", "/v1/rules"),),
    Permission.OPERATE,
    "Make a rule; it looks at samples from now on",
    rule.ListedRule,
    status=201,
    body=rule.NewRule,
    idempotent=True,
    errors=(409,),
)
RULE_TRY: Final = Endpoint[rule_trial.RuleTrial](
    "rules.preview",
    (("POST", "/v1/rules/test"),),
    Permission.READ,
    "Which incidents a rule that is not saved would have opened over the stored samples; changes nothing",
    rule_trial.RuleTrial,
    body=rule_trial.TryNewRule,
)
RULE_TOP: Final = Endpoint[list[rule.TriggeredRule]](
    "rules.top",
    (("GET", "/v1/rules/stats/top-triggered"),),
    Permission.READ,
    "The rules that opened most incidents",
    list[rule.TriggeredRule],
    query=filters.TriggeredFilter,
)
RULE_GET: Final = Endpoint[rule.ListedRule](
    "rules.get", (("GET", "/v1/rules/{rule}"),), Permission.READ, "One rule and how it fares", rule.ListedRule
)
RULE_PATCH: Final = Endpoint[rule.ListedRule](
    "rules.patch",
    (("PATCH", "/v1/rules/{rule}"),),
    Permission.OPERATE,
    "Change a rule, switch it on or off; acts from the next sample on",
    rule.ListedRule,
    body=rule.ChangeRule,
    if_match=True,
    errors=(409,),
)
RULE_DELETE: Final = Endpoint[None](
    "rules.delete",
    (("DELETE", "/v1/rules/{rule}"),),
    Permission.OPERATE,
    "Delete a rule; its incidents stay as they are",
    status=204,
)
RULE_TEST: Final = Endpoint[rule_trial.RuleTrial](
    "rules.test",
    (("POST", "/v1/rules/{rule}/test"),),
    Permission.READ,
    "Which incidents a rule, changed as the body says, would have opened over the stored samples; changes nothing",
    rule_trial.RuleTrial,
    body=rule_trial.TryRule,
    body_required=False,
)
