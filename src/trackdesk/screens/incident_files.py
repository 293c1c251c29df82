"""Files of an incident: attached from the disk, saved to it; and its post-mortem, written to a file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from trackdesk.widgets.cells import age
from trackdesk.widgets.dialogs import ChooseDialog, ConfirmDialog
from trackdesk.widgets.forms import Field, FormDialog
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.rows import Row

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trackdesk.domain.attachment import Attachment
    from trackdesk.domain.incident import Incident
    from trackdesk.screens.place import Place
    from trackdesk.widgets.cells import Cell
    from trackdesk.widgets.forms import Errors, Values

_UNITS = ("B", "KiB", "MiB")


def size_words(size: int) -> str:
    """`812 B`, `1.4 MiB`."""
    value = float(size)
    for unit in _UNITS[:-1]:
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} {_UNITS[-1]}"


def file_row(each: Attachment) -> Row:
    cells: dict[str, Cell] = {
        "name": each.name,
        "size": size_words(each.size),
        "author": Toned(each.author, "dim"),
        "age": age(each.created_at),
    }
    return Row(str(each.id), cells, each)


async def attach(place: Place, incident: Incident) -> bool:
    """Asks for a file of this machine and attaches it. Whether it was done; `place` says so."""

    async def save(values: Values) -> Errors:
        file = _opened(values["path"])
        if isinstance(file, str):
            return {"path": file}
        return await place.submit(_send(place, incident, Path(file.name).name, file))

    field = Field("path", "file", hint="~/screenshot.png, at most 32 MiB", required=True)
    answer = await place.ask(FormDialog(f"Attach a file to {incident.ref}", [field], submit=save))
    if answer is None:
        return False
    place.post_message(place.Say(f"Attached {Path(answer['path']).name} to {incident.ref}"))
    return True


def _opened(given: str) -> BinaryIO | str:
    """The file, or why there is none."""
    path = Path(given).expanduser()
    try:
        if not path.is_file():
            return "is no file" if path.exists() else "is not there"
        return path.open("rb")
    except OSError as error:
        return _words(error)


async def _send(place: Place, incident: Incident, name: str, file: BinaryIO) -> None:
    with file:
        await place.client.attachments.add(incident.id, name, file)


async def choose_deed(place: Place, incident: Incident, each: Attachment) -> bool:
    """Asks what to do with a file, and does it. Whether there is one less now."""
    said = f"{each.name}, {size_words(each.size)}"
    answer = await place.ask(ChooseDialog(said, [("save", "save it to the disk…"), ("delete", "delete it…")]))
    if answer == "save":
        await _save(place, each.name, lambda file: place.client.attachments.get(incident.id, each.id, file.write))
    elif answer == "delete" and await place.ask(ConfirmDialog(f"Delete {each.name}?", f"Of {incident.ref}.")):
        return bool(await place.attempt(_delete(place, incident, each), f"Deleted {each.name}"))
    return False


async def _delete(place: Place, incident: Incident, each: Attachment) -> bool:
    await place.client.attachments.delete(incident.id, each.id)
    return True


async def export_postmortem(place: Place, incident: Incident) -> None:
    """Asks where to, and writes the post-mortem there as Markdown."""

    async def write(file: BinaryIO) -> None:
        file.write((await place.client.incidents.postmortem(incident.id)).encode())

    await _save(place, f"{incident.ref}.md", write)


async def _save(place: Place, name: str, write: Callable[[BinaryIO], Awaitable[None]]) -> None:
    """Asks for a path and has it written as a whole or not at all; what is there is not written over unasked."""
    from trackdesk.domain.attachment import file_name  # noqa: PLC0415 - loaded by now

    async def save(values: Values) -> Errors:
        target = _target(values["path"], file_name(name))
        if target.exists() and not await place.ask(ConfirmDialog(f"Write over {target}?")):
            return {"path": "is there already"}
        try:
            return await place.submit(_write_whole(target, write))
        except OSError as error:
            return {"path": _words(error)}

    field = Field("path", "to", str(Path.cwd() / file_name(name)), "a file or a folder", required=True)
    answer = await place.ask(FormDialog(f"Save {name}", [field], submit=save))
    if answer is not None:
        place.post_message(place.Say(f"Saved {_target(answer['path'], file_name(name))}"))


def _target(given: str, name: str) -> Path:
    path = Path(given).expanduser()
    return path / name if path.is_dir() else path


async def _write_whole(target: Path, write: Callable[[BinaryIO], Awaitable[None]]) -> None:
    part = target.with_name(f".{os.getpid()}-{target.name}")
    try:
        with part.open("xb") as file:
            await write(file)
        part.replace(target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _words(error: OSError) -> str:
    return error.strerror or str(error)
