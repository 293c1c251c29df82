"""Silencing what the cursor is on: for how long, why, and how much of the last week that would have been."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from trackdesk.widgets import glyphs, when
from trackdesk.widgets.forms import Field
from trackdesk.widgets.glyphs import Toned
from trackdesk.widgets.preview_form import PreviewForm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trackdesk.domain.incident import Incident
    from trackdesk.domain.silence import Preview
    from trackdesk.screens.place import Place
    from trackdesk.widgets.forms import Errors, Values

USUAL = "2h"
MEMBERS = ("service", "process", "rule", "severity", "tag")
HINT = "service=crm-api process=nightly* rule=slow severity=low tag:env=test"
_NAMED = 4


async def mute(place: Place, match: Mapping[str, Any]) -> bool:
    """Asks for how long and why to silence what `match` says, and does it. Whether it was done."""

    async def save(values: Values) -> Errors:
        body: dict[str, Any] = {"match": match_of(values["match"]), "until": values["until"]}
        body["reason"] = values["reason"]
        if values["from"]:
            body["from"] = values["from"]
        return await place.submit(place.client.silences.add(body))

    async def preview(values: Values) -> Sequence[Toned]:
        if not values["match"]:
            return [Toned("here stands what it would have muted of the last week", "dim")]
        return await preview_words(place, match_of(values["match"]))

    fields = [
        Field("until", "until", USUAL, "2h, or 2026-01-02T03:04:05Z", required=True),
        Field("reason", "why", "", "the vendor moves house", required=True),
        Field("match", "what", words_of(match), HINT, required=True),
        Field("from", "from", "", "empty: now"),
    ]
    title = f"Silence {words_of(match)}" if match else "A new silence"
    form = PreviewForm(title, fields, preview=preview, check=problems, submit=save, lines=_NAMED + 2)
    answer = await place.ask(form)
    if answer is None:
        return False
    how_long = "until" if "-" in answer["until"] else "for"
    place.post_message(place.Say(f"Silenced {how_long} {answer['until']}: incidents are kept, nobody is told"))
    return True


def match_of_incident(incident: Incident) -> dict[str, Any]:
    """What silences an incident and its like: its rule at its service, or its process."""
    match = {name: value for name in ("service", "rule") if (value := getattr(incident, name))}
    if incident.process and not incident.rule:
        match = {"process": incident.process}
    return match or {"severity": incident.severity}


async def preview_words(place: Place, match: Mapping[str, Any]) -> list[Toned]:
    """How much of the last week it would have muted, and which."""
    from trackdesk.domain.errors import TrackdeskError  # noqa: PLC0415 - loaded by now

    try:
        found: Preview = await place.client.silences.preview({"match": match})
    except TrackdeskError as error:
        return [Toned(f"not yet: {error.detail}", "late")]
    return told(found, place.desk.now())


def told(found: Preview, now: int) -> list[Toned]:
    if not found.muted:
        return [Toned(f"would have muted none of the {found.opened:,} incidents of the last week", "new", bold=True)]
    still = f", {found.open:,} of them open now" if found.open else ""
    head = f"would have muted {found.muted:,} of the {found.opened:,} of the last week{still}"
    lines = [Toned(head, "late" if found.muted < found.opened else "fail", bold=True)]
    for each in found.incidents[:_NAMED]:
        mark = glyphs.severity(each.severity)
        said = f"  {when.day_clock(each.opened_at, now):<12}  {each.ref:<8} {mark.word:<9} {each.title}"
        lines.append(Toned(said, "new"))
    if found.muted > _NAMED:
        lines.append(Toned(f"  and {found.muted - _NAMED:,} more", "dim"))
    return lines


def words_of(match: Mapping[str, Any]) -> str:
    """Matchers as they are typed: `service=crm-api severity=LOW severity=MEDIUM tag:env=test`."""
    said = [f"{name}={value}" for name in MEMBERS[:-1] for value in _each(match.get(name))]
    said += [f"tag:{key}={value}" for key, values in match.get("tag", {}).items() for value in _each(values)]
    return " ".join(shlex.quote(word) if " " in word or "'" in word or '"' in word else word for word in said)


def _each(value: Any) -> Sequence[str]:
    return value if isinstance(value, list) else [] if value is None else [str(value)]


def match_of(text: str) -> dict[str, Any]:
    """The other way round. Raises ValueError, saying what was expected."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise ValueError(f"a quote is not closed in {text!r}") from None
    match: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        if not value or not (name in MEMBERS[:-1] or name.startswith("tag:")):
            raise ValueError(f"expected {', '.join(f'{each}=' for each in MEMBERS[:-1])} or tag:key=, not {word!r}")
        if name.startswith("tag:"):
            match.setdefault("tag", {}).setdefault(name.removeprefix("tag:"), []).append(value)
        else:
            match.setdefault(name, []).append(value.upper() if name == "severity" else value)
    if not match:
        raise ValueError(f"expected {HINT}")
    return match


def problems(values: Values) -> Errors:
    """What is wrong with the fields, each for itself."""
    try:
        if values["match"]:
            match_of(values["match"])
    except ValueError as error:
        return {"match": str(error)}
    return {}
