"""Keys: who may talk to this server and do what. A new key's secret is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trackdesk.screens.listing import ListPlace
from trackdesk.widgets import when
from trackdesk.widgets.cells import ago, due
from trackdesk.widgets.columns import Column
from trackdesk.widgets.dialogs import ConfirmDialog, TextDialog
from trackdesk.widgets.faces import Empty
from trackdesk.widgets.forms import Field, FormDialog
from trackdesk.widgets.glyphs import Role, Toned
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.identity import Key, MadeKey
    from trackdesk.domain.page import Page
    from trackdesk.widgets.forms import Errors, Values

NEVER = "never"
ROLES = ("INGEST", "REPORTER", "MAINTAINER", "ADMIN")
_TONES: Mapping[str, Role] = {"ADMIN": "fail", "MAINTAINER": "late", "REPORTER": "new", "INGEST": "dim"}


class KeysView(ListPlace["Key"]):
    CONTEXTS = ("key", "list")
    TOPICS = frozenset({"keys"})
    TITLE = "Keys"
    FILTERED = False
    EMPTY = Empty("No key beside the owner's", "n  makes one for a script or a colleague")
    COLUMNS = (
        Column("name", "name", 16, flex=2, most=40, priority=0),
        Column("role", "role", 10, priority=0),
        Column("departments", "for", 12, flex=1, most=40, priority=2),
        Column("used", "last used", 9, align="right", priority=0),
        Column("expires", "expires", 8, align="right", priority=1),
        Column("rate", "rate/s", 7, align="right", priority=4),
        Column("created", "made", 8, align="right", priority=3),
    )
    NEEDS: ClassVar[Mapping[str, str]] = dict.fromkeys(("new", "edit", "delete"), "admin")

    async def fetch(self, query: dict[str, Any]) -> Page[Key]:
        return await self.client.keys.list(query)

    async def fetch_one(self, ref: str) -> Key:
        page = await self.client.keys.list({"limit": 1000})
        found = next((each for each in page.data if str(each.id) == ref), None)
        if found is None:
            from trackdesk.domain.errors import NotFound  # noqa: PLC0415 - loaded by now

            raise NotFound(f"There is no key {ref}.")
        return found

    def row(self, item: Key) -> Row:
        return Row(
            str(item.id),
            {
                "name": item.name,
                "role": Toned(item.role, _TONES.get(item.role, "new")),
                "departments": Toned(", ".join(item.departments) or "all", "dim"),
                "used": ago(item.last_used_at),
                "expires": due(item.expires_at) if item.expires_at is not None else Toned("never", "dim"),
                "rate": str(item.rate_limit) if item.rate_limit else "",
                "created": ago(item.created_at),
            },
            item,
        )

    def why_not(self, action: str) -> str | None:
        if action in ("edit", "delete") and self.table.selected is None:
            return "there is no key yet; n makes one"
        if action == "edit" and len(self.targets) > 1:
            return "one at a time; esc clears the marks"
        return super().why_not(action)

    # -- deeds -----------------------------------------------------------------------------------------------------

    async def do_new(self) -> None:
        made: list[MadeKey] = []

        async def save(values: Values) -> Errors:
            try:
                body = body_of(values, self.desk.now())
            except ValueError as error:
                return {"expires_at": str(error)}

            async def deed() -> None:
                made.append(await self.client.keys.add({name: value for name, value in body.items() if value}))

            return await self.submit(deed())

        await self.ask(FormDialog("Make a key", _fields(None), submit=save))
        if made:
            self.reload(at_once=True)
            await self.ask(TextDialog(f"Key {made[0].name}, shown this once: y copies it", made[0].key))

    async def do_edit(self) -> None:
        one = self.targets[0]

        async def save(values: Values) -> Errors:
            try:
                body = body_of(values, self.desk.now())
            except ValueError as error:
                return {"expires_at": str(error)}
            return await self.submit(self.client.keys.patch(one.id, body))

        if await self.ask(FormDialog(f"Change key {one.name}", _fields(one), submit=save)) is not None:
            self.post_message(self.Say(f"{one.name} changed"))
            self.reload(at_once=True)

    async def do_delete(self) -> None:
        targets = self.targets
        names = ", ".join(each.name for each in targets)
        what = "Who uses it is refused from now on." if len(targets) == 1 else "Who uses them is refused from now on."
        if await self.ask(ConfirmDialog(f"Revoke {names}?", what)):
            for each in targets:
                await self.attempt(self.client.keys.delete(each.id), f"{each.name} revoked")
            self.table.clear_marks()
            self.reload(at_once=True)


def _fields(one: Key | None) -> Sequence[Field]:
    expires = when.absolute(one.expires_at)[:10] if one is not None and one.expires_at is not None else ""
    return [
        Field("name", "name", one.name if one else "", hint="backup-host", required=True),
        Field("role", "role", str(one.role) if one else ROLES[0], choices=ROLES),
        Field("departments", "only for", " ".join(one.departments) if one else "", hint="departments, or all"),
        Field("expires_at", "expires", hint=f"{f'as it is: {expires}; ' if expires else ''}90d, a date, never"),
        Field("rate_limit", "rate limit", str(one.rate_limit or "") if one else "", hint="requests a second, or none"),
    ]


def body_of(values: Values, now: int) -> dict[str, Any]:
    """The members that the words of the form stand for. Raises ValueError for what is no time to expire at."""
    from trackdesk.domain.instant import format_instant, parse_duration, parse_instant  # noqa: PLC0415 - loaded by now

    body: dict[str, Any] = {
        "name": values["name"],
        "role": values["role"],
        "departments": values["departments"].replace(",", " ").split(),
    }
    said = values["expires_at"]
    if said == NEVER:
        body["expires_at"] = None
    elif said:
        at = parse_instant(said) if "-" in said else now + parse_duration(said)
        body["expires_at"] = format_instant(at)
    rate = values["rate_limit"]
    body["rate_limit"] = (int(rate) if rate.isdecimal() else rate) if rate else None
    return body
