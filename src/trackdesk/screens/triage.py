"""The keys of triage, the same on a list of incidents and on one of them: take, start, close, reopen, assign, severity,
comment, extend, delete, and undo."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens import deeds
from trackdesk.screens.curl import curl
from trackdesk.screens.deeds import Deed, History, Undo, way_back, why_none
from trackdesk.screens.extend import extend_deadline
from trackdesk.screens.place import Place
from trackdesk.widgets import glyphs
from trackdesk.widgets.dialogs import ChooseDialog, ConfirmDialog, PromptDialog, TextDialog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from trackdesk.domain.incident import Incident

CHUNK = 1000
"""Incidents that one bulk call takes."""
AT_ONCE = 8
"""Calls under way at the same time when many changes are taken back."""
SHORT = 46
"""Characters of a title in a question."""
NAMED = 12
"""Incidents that a question names; of more it says how many."""

_ONE, _NONE, _OTHER = "one", "none", "other"


class Triage(Place):
    """`chosen` are the incidents that the keys are about."""

    NEEDS: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("take", "start", "finish", "reopen", "assign", "severity", "undo", "all"), "operate"),
        **dict.fromkeys(("comment", "new"), "report"),
        "extend": "ingest",
        "delete": "admin",
    }

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.history = History()

    @property
    def me(self) -> str:
        """Whom `take` gives an incident to."""
        return self.desk.actor.partition("@")[0] or "me"

    def chosen(self) -> Sequence[Incident]:
        raise NotImplementedError

    def put_incident(self, incident: Incident) -> None:
        """Show how it stands after a change."""
        raise NotImplementedError

    def people(self) -> list[str]:
        """Names an incident may be given to, as far as this place knows any."""
        return sorted({each.assignee for each in self.chosen() if each.assignee} - {self.me})

    def why_not(self, action: str) -> str | None:
        refused = super().why_not(action)
        if refused is not None or action not in self.NEEDS or action in ("new", "all"):
            return refused
        if action == "undo":
            return None if self.history else "there is nothing to take back here"
        chosen = self.chosen()
        if not chosen:
            return "there is no incident here"
        if action == "extend":
            if len(chosen) > 1:
                return "one at a time; esc clears the marks"
            return None if chosen[0].run else f"{chosen[0].ref} is about no run"
        deed = self.plain_deeds().get(action)
        return None if deed is None else why_none(deed, chosen)

    def plain_deeds(self) -> dict[str, Deed]:
        return {"take": deeds.take(self.me), "start": deeds.start, "finish": deeds.close, "reopen": deeds.reopen}

    # -- keys ------------------------------------------------------------------------------------------------------

    async def do_take(self) -> None:
        await self.perform(self.chosen(), deeds.take(self.me), "take", "taken")

    async def do_start(self) -> None:
        await self.perform(self.chosen(), deeds.start, "start work on", "in work")

    async def do_finish(self) -> None:
        await self.perform(self.chosen(), deeds.close, "close", "closed")

    async def do_reopen(self) -> None:
        await self.perform(self.chosen(), deeds.reopen, "reopen", "open again")

    async def do_assign(self) -> None:
        await self.assign(self.chosen())

    async def do_severity(self) -> None:
        await self.choose_severity(self.chosen())

    async def do_comment(self) -> None:
        await self.comment(self.chosen())

    async def do_extend(self) -> None:
        incident = self.chosen()[0]
        assert incident.run is not None, "why_not said so"
        run = await self.attempt(self.client.runs.get(incident.run))
        if run is None:
            return
        if run.status != "ACTIVE":
            self.post_message(self.Say(f"e extend: {run.process} {run.id} is {run.status.lower()}", "late"))
        elif await extend_deadline(self, run):
            self.reload(at_once=True)

    async def do_delete(self) -> None:
        chosen = list(self.chosen())
        what = _named(chosen)
        if not await self.ask(ConfirmDialog(f"Delete {what}?", "With the comments. The journal keeps what happened.")):
            return
        steps = [(each.ref, partial(self.client.incidents.delete, each.id)) for each in chosen]
        await self._each("deleted", steps, f"{what} deleted")

    async def do_undo(self) -> None:
        last = self.history.pop()
        await self._each("taken back", last.steps, f"Taken back: {last.what}")

    # -- deeds -----------------------------------------------------------------------------------------------------

    async def perform(self, chosen: Sequence[Incident], deed: Deed, verb: str, done: str) -> None:
        """Do `deed` to one at once, to many after a question."""
        wanted = [(each, change) for each in chosen if not isinstance(change := deed(each), str)]
        if not wanted:
            self.post_message(self.Say(why_none(deed, chosen) or "there is no incident here", "late"))
        elif len(chosen) == 1:
            await self._one(*wanted[0], done)
        elif await self._sure(verb, [each for each, _ in wanted], len(chosen) - len(wanted)):
            await self._many(wanted, done, len(chosen) - len(wanted))

    async def assign(self, chosen: Sequence[Incident]) -> None:
        others = [(name, name) for name in self.people()][:6]
        ways = [(_ONE, f"me ({self.me})"), *others, (_OTHER, "somebody else…"), (_NONE, "nobody")]
        current = {each.assignee for each in chosen}
        answer = await self.ask(ChooseDialog(f"Give {_named(chosen)} to", ways, current=_first(current)))
        if answer == _OTHER:
            answer = await self.ask(PromptDialog(f"Give {_named(chosen)} to", placeholder="a name"))
        if answer is not None:
            name = {_ONE: self.me, _NONE: None}.get(answer, answer)
            await self.perform(chosen, deeds.assign(name), "assign", f"with {name or 'nobody'}")

    async def choose_severity(self, chosen: Sequence[Incident]) -> None:
        ways = [(name, mark) for name, mark in reversed(glyphs.SEVERITY.items())]
        current = _first({str(each.severity) for each in chosen})
        answer = await self.ask(ChooseDialog(f"Severity of {_named(chosen)}", ways, current=current))
        if answer is not None:
            await self.perform(chosen, deeds.severity(answer), f"set to {answer.lower()}", f"set to {answer.lower()}")

    async def comment(self, chosen: Sequence[Incident]) -> None:
        text = await self.ask(PromptDialog(f"Comment on {_named(chosen)}", placeholder="what there is to say"))
        if text is None:
            return
        if len(chosen) > 1:
            await self._bulk([(each, {"comment": text}) for each in chosen], "commented on", 0)
            return
        ref, number = chosen[0].ref, chosen[0].id
        made = await self.attempt(self.client.comments.add(number, {"content": text}), f"{ref} commented on")
        if made is not None:
            self.history.push(
                Undo(f"the comment on {ref}", [(ref, partial(self.client.comments.delete, number, made.id))])
            )
            self.reload(at_once=True)

    async def _one(self, incident: Incident, change: deeds.Change, done: str) -> None:
        call = self.client.incidents.patch(incident.id, change, if_match=incident.version)
        after = await self.attempt(call, f"{incident.ref} {done}")
        if after is not None:
            steps = [(incident.ref, partial(self._put_back, incident, change, after.version))]
            self.history.push(Undo(f"{incident.ref} {done}", steps))
            self.put_incident(after)

    async def _sure(self, verb: str, wanted: Sequence[Incident], rest: int) -> bool:
        names = "\n".join(f"{each.ref}  {_short(each.title)}" for each in wanted[:NAMED])
        more = [f"and {len(wanted) - NAMED} more"] if len(wanted) > NAMED else []
        left = [f"{rest} of those chosen need it no more and are left alone"] if rest else []
        question = f"{verb[0].upper()}{verb[1:]} {len(wanted)} incident{'s' if len(wanted) > 1 else ''}?"
        sure = await self.ask(ConfirmDialog(question, "\n".join([names, *more, *left])))
        return bool(sure)

    async def _many(self, wanted: Sequence[tuple[Incident, deeds.Change]], done: str, rest: int) -> None:
        versions = await self._bulk(wanted, done, rest)
        steps = [
            (each.ref, partial(self._put_back, each, change, versions[each.id]))
            for each, change in wanted
            if each.id in versions
        ]
        if steps:
            self.history.push(Undo(f"{len(steps)} {done}", steps))

    async def _bulk(self, wanted: Sequence[tuple[Incident, deeds.Change]], done: str, rest: int) -> dict[int, int]:
        """The version of each incident that was changed. One call for all that get the same change."""
        groups: dict[tuple[tuple[str, Any], ...], list[int]] = {}
        for incident, change in wanted:
            groups.setdefault(tuple(sorted(change.items())), []).append(incident.id)
        refs = {each.id: each.ref for each, _ in wanted}
        versions: dict[int, int] = {}
        refused: list[str] = []
        for members, ids in groups.items():
            for at in range(0, len(ids), CHUNK):
                call = self.client.incidents.bulk({"ids": ids[at : at + CHUNK], **dict(members)})
                answer = await self.attempt(call)
                for each in answer.results if answer is not None else ():
                    if each.ok:
                        versions[each.id] = each.version or 0
                    else:
                        refused.append(f"{refs.get(each.id, each.id)}: {each.detail}")
        await self._report(done, len(versions), refused, rest)
        return versions

    async def _report(self, done: str, count: int, refused: Sequence[str], rest: int = 0) -> None:
        counts = [f"{count} {done}"]
        counts += [f"{rest} left alone"] if rest else []
        counts += [f"{len(refused)} refused"] if refused else []
        self.post_message(self.Say(", ".join(counts), "late" if refused else "ok"))
        self.clear_choice()
        self.reload(at_once=True)
        if len(refused) > 1 or (refused and count):
            await self.ask(TextDialog(", ".join(counts), "\n".join(refused)))
        elif refused:
            self.post_message(self.Say(refused[0], "fail"))

    def clear_choice(self) -> None:
        """A deed on many is done: the marks have had their use."""

    async def _put_back(self, before: Incident, change: deeds.Change, version: int) -> None:
        version = self.history.version_of(before.id, version)
        for step in way_back(before, change):
            version = (await self.client.incidents.patch(before.id, step, if_match=version)).version
        self.history.stands_again(before.id, before.version, version)

    async def _each(
        self, done: str, steps: Sequence[tuple[str, Callable[[], Awaitable[object]]]], all_done: str
    ) -> None:
        """Each for itself. Says `all_done`, or how many are `done` and why the others are not."""
        from trackdesk.domain.errors import TrackdeskError  # noqa: PLC0415 - loaded by now

        gate = asyncio.Semaphore(AT_ONCE)
        refused: list[str] = []

        async def one(name: str, call: Callable[[], Awaitable[object]]) -> None:
            async with gate:
                try:
                    await call()
                except TrackdeskError as error:
                    refused.append(f"{name}: {error.detail}")

        await asyncio.gather(*(one(name, call) for name, call in steps))
        if not refused:
            self.post_message(self.Say(all_done))
            self.clear_choice()
            self.reload(at_once=True)
        else:
            await self._report(done, len(steps) - len(refused), refused)

    def incident_curl(self, chosen: Sequence[Incident]) -> str:
        return "\n".join(curl(self.client, "GET", f"/v1/incidents/{each.id}") for each in chosen)


def _named(chosen: Sequence[Incident]) -> str:
    return f"{chosen[0].ref} {_short(chosen[0].title)}" if len(chosen) == 1 else f"{len(chosen)} incidents"


def _short(title: str) -> str:
    """A title as a question names it."""
    return title if len(title) <= SHORT else f"{title[: SHORT - 1]}…"


def _first(values: set[Any]) -> str:
    """The one value there is, to begin a choice on."""
    return str(next(iter(values))) if len(values) == 1 else ""
