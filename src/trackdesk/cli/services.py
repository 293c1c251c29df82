"""`trackdesk services`: how well each system under watch is; show one with what it sent last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackdesk.cli import times
from trackdesk.cli.actions import Actions
from trackdesk.cli.calls import listed, plain, show_list, with_client
from trackdesk.cli.common import add_limit, print_json
from trackdesk.cli.exits import OK
from trackdesk.cli.table import Cell, Column, facts, heading, paint, show
from trackdesk.contract.metrics import SAMPLES_LATEST, SERVICE_LIST
from trackdesk.domain.safe import safe_text
from trackdesk.domain.service import Health

if TYPE_CHECKING:
    import argparse

    from trackdesk.client import Client
    from trackdesk.domain.metric import Sample
    from trackdesk.domain.service import Service

_COLUMNS = (
    Column("HEALTH"),
    Column("SERVICE", shrinks=True),
    Column("LAST SAMPLE"),
    Column("OPEN", right=True),
    Column("METRICS", shrinks=True, from_width=70),
    Column("DEPARTMENT", shrinks=True, from_width=100),
)
_SAMPLES = (Column("METRIC"), Column("VALUE", right=True), Column("WHEN"), Column("TAGS", shrinks=True))
_MARKS = {
    Health.OK: Cell("✓ ok", "good"),
    Health.DEGRADED: Cell("▲ degraded", "warn"),
    Health.DOWN: Cell("✗ down", "bad"),
    Health.NO_DATA: Cell("? no data", "dim"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Examples: trackdesk services --health down --health degraded; trackdesk services show crm-api."
    actions = Actions(parser, list_services)
    _add_filters(parser)
    _add_filters(actions.add("list", list_services, "list services"))
    one = actions.add("show", show_service, "show one service with the last sample of each series")
    one.add_argument("service", metavar="SERVICE")


def _add_filters(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which services (a flag that is given twice means any of the two)")
    states = [str(health).lower() for health in Health]
    group.add_argument("--health", action="append", type=str.lower, choices=states, help="how well it is")
    group.add_argument("--department", action="append", metavar="DEPARTMENT", help="of this department")
    group.add_argument("--search", metavar="WORDS", help="words in name and description")
    group.add_argument("--q", metavar="QUERY", help="the console's filter, as in: health:down metric_type:LATENCY_MS")
    group.add_argument("--sort", choices=("name", "-name", "health", "-health"), help="health: the worst first")
    add_limit(group, "all")


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def list_services(args: argparse.Namespace) -> int:
    query: dict[str, Any] = {name: getattr(args, name) for name in ("health", "department", "search", "q", "sort")}

    async def work(client: Client) -> int:
        found = await listed(client, SERVICE_LIST, query, most=args.limit)
        return show_list(args, found, _COLUMNS, _row, "no service matches")

    return with_client(args, work)


def show_service(args: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        found = await client.services.get(args.service)
        samples = await listed(client, SAMPLES_LATEST, {"service": args.service})
        if args.json:
            print_json({**plain(found), "latest": plain(samples)})
        else:
            _print(found, samples)
        return OK

    return with_client(args, work)


def _row(service: Service) -> list[Cell | str]:
    return [
        _MARKS[service.health],
        service.name,
        times.ago(service.last_sample_at),
        str(service.open_incidents or "-"),
        Cell(" ".join(service.metric_types), "dim"),
        Cell(service.department or "", "dim"),
    ]


def _print(service: Service, samples: list[Sample]) -> None:
    print(f"{paint(*_MARKS[service.health])}  {paint(safe_text(service.name), 'strong')}\n")
    facts(
        [
            ("description", service.description),
            ("department", service.department),
            ("depends on", ", ".join(service.depends_on) or None),
            ("incidents", f"{service.open_incidents} open" if service.open_incidents else None),
            ("last sample", times.ago(service.last_sample_at)),
        ]
    )
    heading("Last samples")
    show(_SAMPLES, [_sample_row(each) for each in samples], "none")


def _sample_row(sample: Sample) -> list[Cell | str]:
    tags = " ".join(f"{key}={value}" for key, value in sample.tags.items())
    return [sample.metric_type, f"{sample.value:g}", times.ago(sample.recorded_at), Cell(tags, "dim")]
