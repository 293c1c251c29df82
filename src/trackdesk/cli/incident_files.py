"""Files of an incident: `trackdesk incidents attach, files, save, detach`."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from trackdesk.cli import times
from trackdesk.cli.calls import listed, plain, show_list, with_client
from trackdesk.cli.common import checked, complain, print_json, say
from trackdesk.cli.exits import FAILED, OK, USAGE
from trackdesk.cli.incident_number import add_incident
from trackdesk.cli.table import Column
from trackdesk.contract.attachments import ATTACHMENT_LIST
from trackdesk.domain.attachment import MAX_FILE, file_name
from trackdesk.domain.errors import NotFound

if TYPE_CHECKING:
    import argparse

    from trackdesk.cli.actions import Actions
    from trackdesk.client import Client
    from trackdesk.domain.attachment import Attachment

_COLUMNS = (
    Column("ID", right=True),
    Column("NAME", shrinks=True),
    Column("SIZE", right=True),
    Column("BY", shrinks=True),
    Column("ATTACHED"),
    Column("SHA-256", from_width=150),
)


def add_actions(actions: Actions) -> None:
    attach = actions.add("attach", attach_files, "attach files to an incident")
    add_incident(attach)
    attach.add_argument("files", metavar="FILE", nargs="+", type=Path, help="at most 32 MiB each")
    add_incident(actions.add("files", list_files, "list the files that are attached to an incident"))
    save = actions.add("save", save_file, "save an attached file to the disk; nothing is overwritten")
    add_incident(save)
    save.add_argument("attachment", metavar="ID", type=checked(_attachment), help="as `trackdesk incidents files` says")
    save.add_argument("-o", "--output", metavar="PATH", type=Path, default=None, help="a file or folder; . when absent")
    detach = actions.add("detach", delete_file, "delete an attached file")
    add_incident(detach)
    detach.add_argument(
        "attachment", metavar="ID", type=checked(_attachment), help="as `trackdesk incidents files` says"
    )


def _attachment(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text[:18]) < 1:
        raise ValueError(f"attachment: expected its number, such as 3, not {text!r}")
    return int(text[:18])


def attach_files(args: argparse.Namespace) -> int:
    for path in args.files:
        if not path.is_file():
            complain(f"{path} is no file")
            return USAGE
        if path.stat().st_size > MAX_FILE:
            complain(f"{path} has more than {MAX_FILE >> 20} MiB, which is the most that can be attached")
            return USAGE

    async def work(client: Client) -> int:
        made = [await client.attachments.add(args.incident, path.name, path.open("rb")) for path in args.files]
        if args.json:
            print_json(plain(made))
        for each in made:
            say(args, f"{each.name} is attachment {each.id} of INC-{each.incident}")
        return OK

    return with_client(args, work)


def list_files(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = await _files(client, args.incident)
        return show_list(args, found, _COLUMNS, _row, f"nothing is attached to INC-{args.incident}")

    return with_client(args, work)


async def _files(client: Client, incident: int) -> list[Attachment]:
    return await listed(client, ATTACHMENT_LIST, path={"incident": incident})


def _row(found: Attachment) -> list[str]:
    return [
        str(found.id),
        found.name,
        f"{found.size:,}",
        found.author,
        times.ago(found.created_at),
        found.sha256,
    ]


def save_file(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = next((each for each in await _files(client, args.incident) if each.id == args.attachment), None)
        if found is None:
            raise NotFound(f"There is no attachment {args.attachment} on INC-{args.incident}.")
        target = _target(args.output, found.name)
        if target.exists():
            complain(f"{target} is there already; name another with --output")
            return FAILED
        part = target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
        try:
            with part.open("xb") as file:
                await client.attachments.get(args.incident, found.id, file.write)
            part.rename(target)
        finally:
            with contextlib.suppress(FileNotFoundError):  # it has its name now
                part.unlink()
        if args.json:
            print_json({**plain(found), "file": str(target)})
        say(args, f"{found.size:,} bytes in {target}")
        return OK

    return with_client(args, work)


def _target(output: Path | None, name: str) -> Path:
    """A server's word about the name is not taken: it is made harmless here as well."""
    given = output or Path()
    return given / file_name(name) if given.is_dir() else given


def delete_file(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        await client.attachments.delete(args.incident, args.attachment)
        say(args, f"attachment {args.attachment} of INC-{args.incident} is gone")
        return OK

    return with_client(args, work)
