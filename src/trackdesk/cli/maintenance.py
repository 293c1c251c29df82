"""`trackdesk maintenance`: windows, once or by a schedule, in which nobody is told about a service or a department."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.cli import exits, times
from trackdesk.cli.actions import Actions
from trackdesk.cli.calls import listed, pick, plain, show_list, with_client
from trackdesk.cli.common import add_limit, checked, print_json, say
from trackdesk.cli.table import Cell, Column
from trackdesk.contract.noise import MAINTENANCE_LIST
from trackdesk.domain.instant import format_duration
from trackdesk.domain.run import parse_due
from trackdesk.domain.schedule import Cron, describe
from trackdesk.domain.silence import SilenceState
from trackdesk.widgets import when

if TYPE_CHECKING:
    import argparse

    from trackdesk.client import Client
    from trackdesk.domain.maintenance import Maintenance, MaintenanceWindow

_COLUMNS = (
    Column("ID", right=True),
    Column("STATE"),
    Column("NAME", shrinks=True),
    Column("OF", shrinks=True),
    Column("WHEN"),
    Column("NEXT"),
    Column("NEXT WINDOW", from_width=120),
    Column("MUTED", right=True, from_width=100),
    Column("REASON", shrinks=True, from_width=140),
)
_FLAGS = {"reason": "--why", "schedule": "--cron", "schedule.cron": "--cron", "schedule.timezone": "--timezone"}
_FLAGS |= {"duration": "--for", "from": "--from", "until": "--until", "service": "--service"}
_FLAGS |= {"department": "--department"}
"""By which flags the members of a maintenance are given."""
_STYLES = {SilenceState.ACTIVE: "warn", SilenceState.PENDING: "", SilenceState.ENDED: "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, list_maintenance)
    add_limit(parser, "all")
    add_limit(actions.add("list", list_maintenance, "list maintenance with its next windows"), "all")
    add = actions.add("add", add_maintenance, "expect maintenance, once or by a schedule")
    add.add_argument("name", metavar="NAME", help="what people call it, as in: weekly-patching")
    of = add.add_mutually_exclusive_group(required=True)
    of.add_argument("--service", metavar="NAME", default=None, help="of this service")
    of.add_argument("--department", metavar="ID", default=None, help="of all that this department gets")
    add.add_argument("--why", metavar="TEXT", required=True, help="the reason that everybody sees")
    add.add_argument("--cron", metavar="LINE", default=None, help="begins whenever this fires, as in: '0 2 * * 0'")
    add.add_argument("--timezone", metavar="ZONE", default=None, help="whose clock that is, as in: Europe/Berlin (UTC)")
    add.add_argument("--for", dest="duration", metavar="SPAN", default=None, help="how long each window is, as in: 2h")
    add.add_argument(
        "--from", dest="begin", metavar="TIME", type=checked(times.ahead), default=None, help="once: from then on (now)"
    )
    add.add_argument(
        "--until", metavar="TIME", type=checked(parse_due), default=None, help="once: until then, or for so long"
    )
    add.epilog = (
        "Examples: trackdesk maintenance add patching --service crm --cron '0 2 * * 0' --timezone Europe/Berlin "
        "--for 2h --why 'machines are patched'; trackdesk maintenance add move --department ops --until 8h "
        "--why 'new rack'"
    )
    delete = actions.add("delete", delete_maintenance, "delete it; a window that is on ends now")
    delete.add_argument("maintenance", metavar="MAINTENANCE", nargs="+", help="its id or name; several at once")


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def list_maintenance(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = await listed(client, MAINTENANCE_LIST, most=args.limit)
        return show_list(args, found, _COLUMNS, _row, "no maintenance yet: trackdesk maintenance add NAME")

    return with_client(args, work)


def _row(found: Maintenance) -> list[Cell | str]:
    window = found.windows[0] if found.windows else None
    return [
        str(found.id),
        Cell(found.state, _STYLES[found.state]),
        found.name,
        f"service {found.service}" if found.service else f"department {found.department}",
        _when(found),
        _next(window),
        "" if window is None else f"{when.weekday_clock(window.from_)} for {_length(window)}",
        str(found.muted),
        found.reason,
    ]


def _next(window: MaintenanceWindow | None) -> str:
    if window is None:
        return "none"
    now = times.now()
    return when.until(window.from_, now) if window.from_ > now else f"on, ends {when.ahead(window.until, now)}"


def _length(window: MaintenanceWindow) -> str:
    return format_duration(window.until - window.from_)


def _when(found: Maintenance) -> str:
    if found.schedule is None or found.duration is None:
        return "once" if not found.windows else f"once for {_length(found.windows[0])}"
    return f"{describe(Cron.model_construct(**found.schedule))} for {format_duration(found.duration)}"


def add_maintenance(args: argparse.Namespace) -> int:
    body: dict[str, Any] = {"name": args.name, "reason": args.why}
    if args.cron is not None:
        body["schedule"] = {"cron": args.cron, **({"timezone": args.timezone} if args.timezone else {})}
    given = {
        "service": args.service,
        "department": args.department,
        "duration": args.duration,
        "from": None if args.begin is None else args.begin / 1_000_000,
        "until": None if args.until is None else str(args.until),
    }
    body |= {name: value for name, value in given.items() if value is not None}

    async def work(client: Client) -> int:
        made = await client.maintenance.add(body)
        if args.json:
            print_json(plain(made))
        else:
            print(made.id)
            window = made.windows[0]
            say(args, f"maintenance {made.name} is next from {times.full(window.from_)} to {times.full(window.until)}")
        return exits.OK

    return with_client(args, work, _FLAGS)


def delete_maintenance(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        known = await listed(client, MAINTENANCE_LIST)
        for found in [pick(known, "maintenance", each) for each in args.maintenance]:
            await client.maintenance.delete(found.id)
            say(args, f"maintenance {found.name} is deleted")
        return exits.OK

    return with_client(args, work)
