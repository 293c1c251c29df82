"""Operations on rules. What changes here is evaluated from the next sample on: each commit wakes `rules_changed`."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from trackdesk.domain.clock import DAY
from trackdesk.domain.errors import Conflict, Invalid
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.domain.rule import (
    DEFAULTS,
    MOST_RULES,
    ListedRule,
    Rule,
    check_rule,
    condition_words,
    named_members,
)
from trackdesk.engine.edits import check_department, check_version
from trackdesk.store import once as first_answers
from trackdesk.store import rule_lists, rules

if TYPE_CHECKING:
    from trackdesk.domain.filters import TriggeredFilter
    from trackdesk.domain.identity import Caller
    from trackdesk.domain.once import Once
    from trackdesk.domain.rule import ChangeRule, NewRule, TriggeredRule
    from trackdesk.domain.run import Due
    from trackdesk.engine.core import Engine
    from trackdesk.store.writer import Tx

USUAL_LOOK_BACK = 7 * DAY
_DURATIONS = frozenset({"window", "for_", "no_data_after"})
_ODD = re.compile(r"[^a-z0-9]+")
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


async def add(engine: Engine, caller: Caller, body: NewRule, once: Once | None = None) -> ListedRule:
    """Raises Invalid; Conflict `exists`, `too_many` or `idempotency_key_reused`."""
    return await engine.writer.run(lambda tx: _add(tx, caller, body, once))


def _add(tx: Tx, caller: Caller, body: NewRule, once: Once | None) -> ListedRule:
    if once is not None and (answer := first_answers.recall(tx, once)) is not None:
        return ListedRule.model_validate_json(answer)
    made = make(tx, caller, body.id, body)
    if once is not None:
        first_answers.remember(tx, once, 201, made.to_json())
    return made


def make(tx: Tx, caller: Caller, rule_id: str | None, body: ChangeRule) -> ListedRule:
    """Raises as `add` does."""
    namespace_id = caller.namespace_id
    if rule_id is not None and rules.find(tx, namespace_id, rule_id) is not None:
        raise Conflict(f"There is a rule {rule_id!r} already.", code="exists")
    if rules.count(tx, namespace_id) >= MOST_RULES:
        raise Conflict(f"There are {MOST_RULES} rules, the most that a namespace may have.", code="too_many")
    members = named_members(body)
    rule = _drafted(rule_id or "", members, tx.now, caller.actor)
    check_rule(rule)
    check_department(tx, namespace_id, rule.department)
    if rule_id is None:
        named = {"id": _made_id(rule.metric_type), "name": members.get("name") or condition_words(rule)[:255]}
        rule = rule.model_copy(update=named)
    rules.insert(tx, namespace_id, rule)
    facts = {"name": rule.name, "condition": condition_words(rule), "service": rule.service, "enabled": rule.enabled}
    tx.journal(namespace_id, "rules", "made", rule.id, caller.actor, facts)
    tx.wake("rules_changed", tx.now)
    return rules.listed(tx, namespace_id, rule.id)


def draft(body: ChangeRule, now: int) -> Rule:
    """A rule that is nowhere stored. Raises Invalid."""
    rule = _drafted("draft", named_members(body), now, None)
    check_rule(rule)
    return rule


def _drafted(rule_id: str, members: dict[str, Any], now: int, author: str | None) -> Rule:
    if members.get("metric_type") is None:
        raise Invalid("metric_type", "is required: the metric that the rule watches, such as LATENCY_MS")
    known = {"created_at": now, "updated_at": now, "created_by": author, "version": 1}
    fields = {"id": rule_id, "metric_type": "", **DEFAULTS, **known, **members}
    fields["name"] = members.get("name") or rule_id
    return Rule.model_construct(**{name: fields[name] for name in Rule.model_fields})


def _made_id(metric_type: str) -> str:
    """Recognisable and unlike others: `latency-ms-7k2f9q`."""
    slug = _ODD.sub("-", metric_type.lower()).strip("-")
    return f"{slug}-{''.join(secrets.choice(_DIGITS) for _ in range(6))}"


async def patch(
    engine: Engine, caller: Caller, rule_id: str, body: ChangeRule, if_match: int | None = None
) -> ListedRule:
    """Raises NotFound, Invalid; Conflict `changed`."""
    return await engine.writer.run(lambda tx: change(tx, caller, rule_id, named_members(body), if_match))


def change(tx: Tx, caller: Caller, rule_id: str, members: dict[str, Any], if_match: int | None = None) -> ListedRule:
    """`members` as `named_members` gives them. Raises as `patch` does."""
    namespace_id = caller.namespace_id
    before = rules.get(tx, namespace_id, rule_id)
    check_version(tx, namespace_id, "rules", rule_id, before.version, if_match)
    after = changed(before, members)
    update = {name: value for name, value in after.__dict__.items() if value != getattr(before, name)}
    if update:
        check_department(tx, namespace_id, update.get("department"))
        rules.update(tx, namespace_id, rule_id, update)
        facts = {_word(name): [_shown(name, getattr(before, name)), _shown(name, new)] for name, new in update.items()}
        tx.journal(namespace_id, "rules", "changed", rule_id, caller.actor, facts)
        tx.wake("rules_changed", tx.now)
    return rules.listed(tx, namespace_id, rule_id)


def changed(before: Rule, members: dict[str, Any]) -> Rule:
    """The rule with `members` (of `named_members`) in place of its own. Raises Invalid."""
    if members.get("metric_type", before.metric_type) is None:
        raise Invalid("metric_type", "expected a value, not null")
    update = {**members, "name": members["name"] or before.id} if "name" in members else members
    after = before.model_copy(update=update)
    check_rule(after)
    return after


async def delete(engine: Engine, caller: Caller, rule_id: str) -> None:
    """Its incidents stay, the open ones open. Raises NotFound."""
    await engine.writer.run(lambda tx: remove(tx, caller, rule_id))


def remove(tx: Tx, caller: Caller, rule_id: str) -> None:
    rule = rules.get(tx, caller.namespace_id, rule_id)
    rules.let_go(tx, caller.namespace_id, rule_id)
    rules.delete(tx, caller.namespace_id, rule_id)
    tx.journal(caller.namespace_id, "rules", "deleted", rule_id, caller.actor, {"name": rule.name})
    tx.wake("rules_changed", tx.now)


async def top_triggered(engine: Engine, caller: Caller, given: TriggeredFilter) -> list[TriggeredRule]:
    """Raises Invalid for a `since` that lies ahead."""
    since = looking_back(given.since, engine.clock.now(), USUAL_LOOK_BACK)
    return await rule_lists.top_triggered(engine.readers, caller.namespace_id, since, given.limit)


def looking_back(given: Due | None, now: int, usual: int) -> int:
    """The instant (µs) from which to look; `usual` µs ago when none is given. Raises Invalid for one to come."""
    if given is None:
        return max(now - usual, 0)
    at = max(now - given.micros, 0) if given.relative else given.micros
    if at > now:
        raise Invalid("since", "expected a time that has passed", format_instant(at))
    return at


def _word(name: str) -> str:
    return name.rstrip("_")


def _shown(name: str, value: Any) -> Any:
    return format_duration(value) if name in _DURATIONS and value is not None else value
