"""Channels: where people are told outside; make, test, change, switch off and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.domain.instant import format_duration
from trackdesk.screens.curl import curl
from trackdesk.screens.deliveries import DeliveriesView, attempt_entries
from trackdesk.screens.listing import ListPlace
from trackdesk.widgets import when
from trackdesk.widgets.cells import Clocked
from trackdesk.widgets.columns import Column
from trackdesk.widgets.dialogs import ConfirmDialog, TextDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.forms import Field, FormDialog
from trackdesk.widgets.glyphs import Mark, Toned
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.notification import Channel, Delivery
    from trackdesk.domain.page import Page
    from trackdesk.widgets.forms import Errors, Values
    from trackdesk.widgets.view import View

OFF = Mark("‖", "off", "dim", "=")
DEAD = Mark("✗", "dead", "fail", "x")
PROVEN = Mark("✓", "proven", "ok", "+")
UNPROVEN = Mark("?", "unproven", "new", "?")
TROUBLED = Mark("↻", "retrying", "late", "~")
ANY = "any"
_URL_HINT = "webhook+https://… mailto://… slack://… and more"
_KINDS_HINT = "opened closed missed …; empty: as usual"


class ChannelsView(ListPlace["Channel"]):
    CONTEXTS = ("channel", "list")
    TOPICS = frozenset({"channels", "deliveries"})
    TITLE = "Channels"
    FILTERED = False
    EMPTY = Empty("No channel yet: nobody is told outside of the inbox", "n  makes one")
    COLUMNS = (
        Column("name", "name", 14, flex=2, most=30, priority=0),
        Column("state", "state", 12, priority=0),
        Column("since", "since", 7, align="right", priority=1),
        Column("url", "where", 16, flex=3, most=40, priority=2),
        Column("gets", "gets", 18, flex=3, priority=3),
        Column("pending", "waiting", 7, align="right", priority=4),
        Column("error", "last error", 16, flex=3, priority=5),
    )
    NEEDS: ClassVar[Mapping[str, str]] = dict.fromkeys(("new", "edit", "test", "switch", "delete"), "operate")

    async def fetch(self, query: dict[str, Any]) -> Page[Channel]:
        return await self.client.channels.list(query)

    async def fetch_one(self, ref: str) -> Channel:
        return await self.client.channels.get(int(ref))

    def row(self, item: Channel) -> Row:
        state, since = _state(item)
        return Row(
            str(item.id),
            {
                "name": item.name if item.enabled else Toned(item.name, "dim"),
                "state": state,
                "since": Clocked(since, lambda at, now: "" if at is None else when.coarse(now - at)),
                "url": Toned(item.url, "dim"),
                "gets": Toned(gets(item), "dim"),
                "pending": str(item.pending) if item.pending else "",
                "error": Toned(item.last_error or "", "fail" if item.dead_since else "dim"),
            },
            item,
        )

    def place_of(self, item: Channel) -> View:
        return DeliveriesView(self.desk, {"channel": item.id}, of=item.name)

    def curl_of(self, items: Sequence[Channel]) -> str:
        return "\n".join(curl(self.client, "GET", f"/v1/channels/{each.id}") for each in items)

    def why_not(self, action: str) -> str | None:
        if action in ("edit", "test", "switch", "delete") and self.table.selected is None:
            return "there is no channel yet; n makes one"
        if action in ("edit", "test") and len(self.targets) > 1:
            return "one at a time; esc clears the marks"
        return super().why_not(action)

    # -- deeds -----------------------------------------------------------------------------------------------------

    async def do_new(self) -> None:
        async def save(values: Values) -> Errors:
            body = body_of(values)
            if isinstance(body, str):
                return {"match": body}
            return await self.submit(self.client.channels.add(body))

        fields = [
            Field("name", "name", hint="ops-mail", required=True),
            Field("url", "where", hint=_URL_HINT, required=True),
            Field("secret", "secret", hint="signs a webhook; 8 characters or more", secret=True),
            *_filters(None),
        ]
        if await self.ask(FormDialog("Make a channel", fields, submit=save)) is not None:
            self.post_message(self.Say("The channel is there; T sends a test message over it"))
            self.reload(at_once=True)

    async def do_edit(self) -> None:
        one = self.targets[0]

        async def save(values: Values) -> Errors:
            body = body_of(values)
            if isinstance(body, str):
                return {"match": body}
            members: dict[str, Any] = {
                "department": None,
                "min_severity": None,
                "kinds": None,
                "match": None,
                "group_window": None,
            }
            call = self.client.channels.patch(one.id, members | body, if_match=one.version)
            return await self.submit(call)

        fields = [
            Field("name", "name", one.name, required=True),
            Field("url", "where", hint=f"as it is: {one.url}"),
            Field("secret", "secret", hint="as it is" if one.has_secret else "none", secret=True),
            *_filters(one),
        ]
        if await self.ask(FormDialog(f"Change channel {one.name}", fields, submit=save)) is not None:
            self.post_message(self.Say(f"{one.name} changed"))
            self.reload(at_once=True)

    async def do_test(self) -> None:
        one = self.targets[0]
        self.post_message(self.Say(f"Sending a test message over {one.name}…", "run"))
        delivery = await self.attempt(self.client.channels.test(one.id))
        self.reload(at_once=True)
        if delivery is None:
            return
        if delivery.status == "SENT":
            took = when.span(delivery.attempts[-1].took) if delivery.attempts else "no time"
            self.post_message(self.Say(f"{one.name} works: the test message arrived after {took}"))
        else:
            self.post_message(self.Say(f"{one.name}: the test message did not arrive", "fail"))
            await self.ask(TextDialog(f"Test of {one.name}: did not arrive", _outcome(delivery)))

    async def do_switch(self) -> None:
        targets = self.targets
        enabled = not targets[0].enabled
        wanted = [each for each in targets if each.enabled is not enabled]
        names = ", ".join(each.name for each in wanted)
        waiting = sum(each.pending for each in wanted)
        if not enabled and waiting:
            lost = f"What waits to be sent there ({waiting}) is given up."
            if not await self.ask(ConfirmDialog(f"Switch {names} off?", lost)):
                return
        for each in wanted:
            call = self.client.channels.patch(each.id, {"enabled": enabled}, if_match=each.version)
            after = await self.attempt(call, f"{names}: {'on' if enabled else 'off'}")
            if after is not None:
                self.put(after)

    async def do_delete(self) -> None:
        targets = self.targets
        names = ", ".join(each.name for each in targets)
        if await self.ask(ConfirmDialog(f"Delete {names}?", "With all that was sent and what waits to be sent.")):
            for each in targets:
                await self.attempt(self.client.channels.delete(each.id), f"{each.name} deleted")
            self.table.clear_marks()
            self.reload(at_once=True)


def _state(item: Channel) -> tuple[Mark, int | None]:
    """How a channel stands, and since when."""
    if not item.enabled:
        return OFF, item.updated_at
    if item.dead_since is not None:
        return DEAD, item.dead_since
    if item.pending and item.last_error:
        return TROUBLED, None
    return (PROVEN, item.proven_at) if item.proven_at is not None else (UNPROVEN, None)


def gets(item: Channel) -> str:
    """Its filters in words: what arrives there."""
    parts = [f"of {item.department}"] if item.department else []
    parts += [f"{item.min_severity} and above"] if item.min_severity else []
    parts += [" ".join(item.kinds)] if item.kinds else []
    if item.match is not None:
        parts += [f"process {item.match.process}"] if item.match.process else []
        parts += [f"service {item.match.service}"] if item.match.service else []
        parts += [f"tag {key}={value}" for key, value in (item.match.tag or {}).items()]
    parts += [f"gathered for {format_duration(item.group_window)}"] if item.group_window else []
    return ", ".join(parts) or "what is usual"


def _filters(one: Channel | None) -> list[Field]:
    match = one.match if one is not None else None
    words: list[str] = []
    if match is not None:
        words += [f"process={match.process}"] if match.process else []
        words += [f"service={match.service}"] if match.service else []
        words += [f"tag:{key}={value}" for key, value in (match.tag or {}).items()]
    severity = str(one.min_severity) if one is not None and one.min_severity else ANY
    kinds = " ".join(one.kinds) if one is not None and one.kinds else ""
    window = format_duration(one.group_window) if one is not None and one.group_window else ""
    return [
        Field("department", "only for", (one.department or "") if one is not None else "", hint="a department, or all"),
        Field("min_severity", "from severity", severity, choices=(ANY, "LOW", "MEDIUM", "HIGH", "CRITICAL")),
        Field("kinds", "kinds", kinds, hint=_KINDS_HINT),
        Field("match", "only about", " ".join(words), hint="process=NAME service=NAME tag:env=prod"),
        Field("group_window", "gather for", window, hint="5m: one message for all in it; empty: at once"),
    ]


def body_of(values: Values) -> dict[str, Any] | str:
    """The members that the words of the form stand for, or what is wrong with `match`."""
    body: dict[str, Any] = {name: values[name] for name in ("name", "url", "secret", "department") if values[name]}
    if values["min_severity"] != ANY:
        body["min_severity"] = values["min_severity"]
    if values["kinds"]:
        body["kinds"] = values["kinds"].replace(",", " ").split()
    if values["group_window"]:
        body["group_window"] = values["group_window"]
    match: dict[str, Any] = {}
    for word in values["match"].split():
        name, _, value = word.partition("=")
        if not value or not (name in ("process", "service") or name.startswith("tag:")):
            return f"expected process=NAME, service=NAME or tag:KEY=VALUE, not {word!r}"
        if name.startswith("tag:"):
            match.setdefault("tag", {})[name.removeprefix("tag:")] = value
        else:
            match[name] = value
    return body | {"match": match} if match else body


def _outcome(delivery: Delivery) -> str:
    lines = [f"{entry.kind}: {entry.text}" for entry in attempt_entries(delivery) if entry.kind != "given up"]
    return "\n".join(lines) or "It waits to be sent: the channel is slow or busy. enter shows what becomes of it."
