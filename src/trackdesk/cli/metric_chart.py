"""`trackdesk metric chart SERVICE TYPE`: what was measured over time, as lines or as rows.

What the verb needs to know its flags loads quickly; `metric push` shares it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from trackdesk.cli.common import checked, tag

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from trackdesk.client import Client
    from trackdesk.domain.metric_chart import ChartPoint, MetricChart

_LAST = "24h"
_FEWEST, _MOST = 20, 400
"""Points that are asked for, by the width of the terminal."""
_COUNTS, _LINES = 4, 11
"""Rows of the two charts."""
_DRAWN = 1e300
"""What is larger than that is only listed: distances between such numbers are no numbers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Examples: trackdesk metric chart crm-api LATENCY_MS; "
        "trackdesk metric chart crm-api LATENCY_MS --last 7d --bucket hour --json"
    )
    parser.add_argument("service", metavar="SERVICE", help="what it was measured of")
    parser.add_argument("metric_type", metavar="TYPE", type=checked(metric_type), help="LATENCY_MS, say")
    parser.add_argument("--last", metavar="DURATION", default=_LAST, help=f"up to now: 1h, 7d ({_LAST})")
    parser.add_argument(
        "--bucket", metavar="BUCKET", default=None, help="minute, hour, day or as in: 10s (what suits the width)"
    )
    parser.add_argument(
        "--tag", action="append", metavar="K=V", type=checked(tag), default=None, help="with these tags"
    )
    parser.add_argument("--table", action="store_true", default=False, help="rows instead of charts")


def metric_type(text: str) -> str:
    """Raises ValueError."""
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", text, re.ASCII):
        raise ValueError(f"metric_type: expected 1 to 64 of A-Z 0-9 _, a letter first, not {text!r}")
    return text


def chart(args: argparse.Namespace) -> int:
    from trackdesk.cli.calls import plain, with_client
    from trackdesk.cli.common import print_json
    from trackdesk.cli.exits import OK
    from trackdesk.cli.table import width

    query = _query(args, width())

    async def work(client: Client) -> int:
        found = await client.metrics.chart(query)
        if not any(point.count for point in found.data):
            await client.services.get(args.service)  # nothing is the answer only for a service that there is
        if args.json:
            print_json(plain(found))
        else:
            _show(args, found, width())
        return OK

    return with_client(args, work, {"from": "--last", "bucket": "--bucket", "tag": "--tag"})


def _query(args: argparse.Namespace, columns: int | None) -> dict[str, Any]:
    """Raises Invalid (`--last`)."""
    from trackdesk.cli import times
    from trackdesk.domain.errors import Invalid
    from trackdesk.domain.instant import format_instant, parse_duration

    now = times.now()
    try:
        start = now - parse_duration(args.last)
    except ValueError as error:
        raise Invalid("--last", str(error)) from None
    length = {"bucket": args.bucket} if args.bucket else {"points": min(max(columns or _MOST, _FEWEST), _MOST)}
    return {
        "service": args.service,
        "metric_type": args.metric_type,
        "tag": [":".join(pair) for pair in args.tag or ()],
        "from": format_instant(max(start, 0)),
        "to": format_instant(now),
        **length,
    }


def _show(args: argparse.Namespace, found: MetricChart, columns: int | None) -> None:
    from trackdesk.cli.table import facts, paint

    measured = [point for point in found.data if point.count]
    largest = max((abs(value) for point in measured for value in (point.min or 0.0, point.max or 0.0)), default=0.0)
    if args.table or columns is None or not measured or largest > _DRAWN:
        _list(found, measured)
        return
    print(paint(_said(args, found), "strong"))
    _draw(found.data, columns)
    print()
    facts(_totals(measured))


def _said(args: argparse.Namespace, found: MetricChart) -> str:
    from trackdesk.domain.instant import format_duration
    from trackdesk.domain.safe import safe_text
    from trackdesk.widgets import when

    start, end = (f"{when.day(at)} {when.clock(at)[:5]}" for at in (found.meta.from_, found.meta.to))
    what = safe_text(f"{args.service} {found.meta.metric_type}")
    return f"{what}, {start} to {end}, by {format_duration(found.meta.bucket)}"


def _draw(points: Sequence[ChartPoint], columns: int) -> None:
    from trackdesk.cli import stats_charts
    from trackdesk.widgets.axes import NUMBERS
    from trackdesk.widgets.plot import Chart, Line

    at = [point.time for point in points]
    lines = [
        Line("p50", [point.p50 for point in points], "run"),
        Line("p95", [point.p95 for point in points], "new"),
        Line("max", [point.max for point in points], "late"),
    ]
    columns = min(columns, stats_charts.WIDEST)
    counts = Chart(at, [Line("", [point.count for point in points], "run")], NUMBERS)
    stats_charts.chart("samples", counts, columns - max(len(line.name) for line in lines), _COUNTS)
    stats_charts.chart("values", Chart(at, lines, NUMBERS, from_zero=False), columns, _LINES)


def _totals(measured: Sequence[ChartPoint]) -> list[tuple[str, Any]]:
    count = sum(point.count for point in measured)
    average = sum((point.avg or 0.0) * (point.count / count) for point in measured)
    last = measured[-1].last
    return [
        ("samples", f"{count:,}"),
        ("least", _number(min(point.min for point in measured if point.min is not None))),
        ("average", _number(average)),
        ("greatest", _number(max(point.max for point in measured if point.max is not None))),
        ("last", _number(last)),
    ]


def _list(found: MetricChart, measured: Sequence[ChartPoint]) -> None:
    """A row for each bucket that has any sample."""
    from datetime import UTC

    from trackdesk.cli.table import Column, show
    from trackdesk.domain.clock import DAY
    from trackdesk.widgets import when

    figures = ("min", "avg", "p50", "p95", "p99", "max", "last")
    columns = [Column("FROM"), Column("SAMPLES", right=True), *(Column(name.upper(), right=True) for name in figures)]
    whole_days = found.meta.bucket % DAY == 0
    rows = [
        [
            when.absolute(point.time, UTC)[:10] if whole_days else when.absolute(point.time),  # days are those of UTC
            str(point.count),
            *(_number(getattr(point, name)) for name in figures),
        ]
        for point in measured
    ]
    show(columns, rows, "nothing was measured in this time")


def _number(value: float | None) -> str:
    """In six digits."""
    return "-" if value is None else f"{value:.6g}"
