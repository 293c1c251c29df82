"""Making and describing services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.widgets.forms import Field, FormDialog

if TYPE_CHECKING:
    from trackdesk.domain.service import Service
    from trackdesk.screens.place import Place
    from trackdesk.widgets.forms import Errors, Values


async def make_service(place: Place) -> bool:
    """Asks for a service and makes it. Whether it was made; `place` says so."""

    async def save(values: Values) -> Errors:
        return await place.submit(place.client.services.add(_body(values, whole=False)))

    fields = [Field("name", "name", hint="checkout", required=True), *_fields(None)]
    answer = await place.ask(FormDialog("A new service", fields, submit=save))
    if answer is None:
        return False
    place.post_message(place.Say(f"Made {answer['name']}; its samples are sent with POST /v1/metrics"))
    return True


async def edit_service(place: Place, name: str) -> bool:
    """`change_service` of a service of which a list may know less, or older things; `place` says so."""
    service = await place.attempt(place.client.services.get(name))
    if service is None or not await change_service(place, service):
        return False
    place.post_message(place.Say(f"Saved {name}"))
    return True


async def change_service(place: Place, service: Service) -> bool:
    """Asks what is to be said of `service`, and saves it. Whether it was saved."""

    async def save(values: Values) -> Errors:
        body = _body(values, whole=True)
        return await place.submit(place.client.services.patch(service.name, body, if_match=service.version))

    return await place.ask(FormDialog(f"Service {service.name}", _fields(service), submit=save)) is not None


def _fields(service: Service | None) -> list[Field]:
    needs = ", ".join(service.depends_on) if service is not None else ""
    return [
        Field("department", "department", (service and service.department) or "", "who is told; empty: default"),
        Field("description", "description", (service and service.description) or ""),
        Field("depends_on", "depends on", needs, "database, mailer"),
    ]


def _body(values: Values, *, whole: bool) -> dict[str, Any]:
    """The fields as a body: with `whole`, what is empty is null."""
    body: dict[str, Any] = {name: value or None for name, value in values.items() if value or whole}
    needs = [each.strip() for each in values["depends_on"].split(",") if each.strip()]
    return {**body, "depends_on": needs}
