"""`trackdesk stats`: how runs went over time, which processes or tag values are slow, late or fail; with charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from trackdesk.cli import stats_charts, times
from trackdesk.cli.calls import plain, with_client
from trackdesk.cli.common import checked, complain, print_json, tag
from trackdesk.cli.exits import OK, USAGE
from trackdesk.cli.stats_charts import share
from trackdesk.cli.table import Cell, Column, facts, heading, paint, show, width
from trackdesk.domain.analytics import MOST_GROUPS, TagStatsFilter, parse_bucket
from trackdesk.domain.clock import DAY
from trackdesk.domain.instant import format_duration, format_instant
from trackdesk.widgets import when
from trackdesk.widgets.budget import sparkline
from trackdesk.widgets.zone import local_zone

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from trackdesk.client import Client
    from trackdesk.domain.analytics import BucketFigures, Figures, Stats, StatsMeta, TagFigures, TagStats

_TREND = 24
_FIGURES = (
    Column("RUNS", right=True),
    Column("FAILED", right=True),
    Column("MISSED", right=True),
    Column("AVG", right=True, from_width=70),
    Column("P50", right=True),
    Column("P90", right=True),
    Column("P99", right=True, from_width=70),
)
_BUCKETS = (Column("FROM"), *_FIGURES)
_GROUPS = (Column("GROUP", shrinks=True), *_FIGURES, Column("RUNS OVER TIME", from_width=100))
_TAGS = (
    Column("TAG", shrinks=True),
    Column("RUNS", right=True),
    Column("PROBLEMS", right=True),
    Column("OF ITS RUNS", right=True),
    Column("OF ALL", right=True, from_width=70),
    Column("TIMES AS OFTEN", right=True, from_width=80),
    Column("P50", right=True, from_width=60),
    Column("P90", right=True, from_width=60),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Examples: trackdesk stats nightly-backup --since 30d --by day · "
        "trackdesk stats --since 7d --group-by process · trackdesk stats --group-by tag:host · "
        "trackdesk stats --tags --since 7d"
    )
    group = parser.add_argument_group("which runs, and how they are put together")
    parser.add_argument("process", nargs="*", metavar="PROCESS", help="only of these processes")
    group.add_argument("--tag", action="append", metavar="K=V", type=checked(tag), help="with all of these tags")
    group.add_argument("--since", metavar="TIME", type=checked(times.since), help='a time, or "7d" ago (24h)')
    group.add_argument("--until", metavar="TIME", type=checked(times.since), help='a time, or "1d" ago (now)')
    group.add_argument(
        "--by", metavar="BUCKET", type=checked(parse_bucket), help="minute, hour, day or as in: 15m (what suits)"
    )
    group.add_argument("--timezone", metavar="ZONE", help="whose midnights days go by (this machine's)")
    group.add_argument(
        "--group-by", metavar="WHAT", type=checked(_grouping), default=("none", None), help="process, or tag:KEY"
    )
    group.add_argument(
        "--groups", metavar="N", type=checked(_groups), help="so many groups, the others counted together (20)"
    )
    group.add_argument("--histogram", action="store_true", help="how durations are spread")
    group.add_argument("--tags", action="store_true", help="which tag values hold the problems")
    group.add_argument("--table", action="store_true", help="rows instead of charts, also on a terminal")


def _grouping(text: str) -> tuple[str, str | None]:
    what, _, key = text.partition(":")
    if text == "process" or (what == "tag" and key):
        return what, key or None
    raise ValueError(f"group-by: expected process or tag:KEY, not {text!r}")


def _groups(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_GROUPS:
        raise ValueError(f"groups: expected a number from 1 to {MOST_GROUPS}, not {text!r}")
    return int(text)


_FLAGS = {"from": "--since", "to": "--until", "bucket": "--by", "timezone": "--timezone", "tag": "--tag"}
"""How the parameters of the API are called here."""
_NOT_OF_TAGS = {
    "--tag": "tag",
    "--by": "by",
    "--timezone": "timezone",
    "--groups": "groups",
    "--histogram": "histogram",
}


def run(args: argparse.Namespace) -> int:
    if args.tags:
        given = [flag for flag, name in _NOT_OF_TAGS.items() if getattr(args, name)]
        if given + ["--group-by"] * (args.group_by[0] != "none"):
            complain(
                f"stats: --tags counts every tag over the whole time; it goes with PROCESS, --since and --until, "
                f"not with {(given or ['--group-by'])[0]}"
            )
            return USAGE

    async def work(client: Client) -> int:
        if args.tags:
            tags = await client.stats.tags(_window(args))
            if args.json:
                print_json(plain(tags))
            else:
                _show_tags(tags)
            return OK
        found = await client.stats.runs(_query(args))
        if not sum(total.count for total in found.meta.totals):
            for name in args.process:
                await client.processes.get(name)  # zeros are the answer only for a process that there is
        if args.json:
            print_json(plain(found))
        elif found.meta.group_by == "none":
            _show_time(args, found)
        else:
            _show_groups(found)
        return OK

    return with_client(args, work, _FLAGS)


def _window(args: argparse.Namespace) -> dict[str, Any]:
    known = set(TagStatsFilter.model_fields)
    given = {
        "process": args.process,
        "from": None if args.since is None else format_instant(args.since),
        "to": None if args.until is None else format_instant(args.until),
    }
    return {name: value for name, value in given.items() if value and (name in known or name == "from")}


def _query(args: argparse.Namespace) -> dict[str, Any]:
    grouping, key = args.group_by
    given = {
        **_window(args),
        "tag": [":".join(pair) for pair in args.tag or ()],
        "bucket": None if args.by is None else format_duration(args.by),
        "timezone": args.timezone or local_zone(),
        "group_by": grouping,
        "tag_key": key,
        "groups": args.groups,
        "histogram": args.histogram or None,
    }
    return {name: value for name, value in given.items() if value}


def _show_time(args: argparse.Namespace, found: Stats) -> None:
    columns = width()
    if args.table or columns is None:
        rows = [[_time(each, found.meta), *_cells(each)] for each in found.data]
        show(_BUCKETS, rows, "no buckets")
        stats_charts.show_bars(found)
        return
    print(paint(_said(found), "strong"))
    stats_charts.draw(found, columns)
    (total,) = found.meta.totals
    print()
    facts(_total(total))
    if total.histogram is not None:
        heading("how long they took")
        stats_charts.draw_bars(total.histogram, columns)


def _said(found: Stats) -> str:
    meta = found.meta
    zone = ZoneInfo(meta.timezone)
    start, end = (f"{when.day(at, zone)} {when.clock(at, zone)[:5]}" for at in (meta.from_, meta.to))
    return f"{start} to {end}, by {format_duration(meta.bucket)}"


def _time(row: BucketFigures, meta: StatsMeta) -> str:
    """In the zone whose midnights the buckets keep to."""
    zone = ZoneInfo(meta.timezone)
    return when.day(row.time, zone) if meta.bucket % DAY == 0 else when.absolute(row.time, zone)


def _total(total: Figures) -> list[tuple[str, Cell | str | None]]:
    spans = ("avg", "p50", "p90", "p95", "p99")
    return [
        ("runs", str(total.count)),
        ("failed", Cell(f"{total.by_status['FAILED']}  {share(total.failed_percent)}", _mood(total.failed_percent))),
        ("missed", Cell(f"{total.missed}  {share(total.missed_percent)}", _mood(total.missed_percent))),
        *((name, times.rounded(getattr(total, name))) for name in spans),
    ]


def _cells(row: Figures) -> list[Cell | str]:
    return [
        str(row.count),
        Cell(share(row.failed_percent), _mood(row.failed_percent)),
        Cell(share(row.missed_percent), _mood(row.missed_percent)),
        times.rounded(row.avg),
        times.rounded(row.p50),
        times.rounded(row.p90),
        times.rounded(row.p99),
    ]


def _mood(percent: float | None) -> str:
    return "" if not percent else "bad" if percent >= 10 else "warn"


def _show_groups(found: Stats) -> None:
    trends = _trends(found)
    rows = []
    for each in found.meta.totals:
        name = Cell("(all others)", "dim") if each.rest else each.group or ""
        rows.append([name, *_cells(each), trends.get(each.group, "")])
    whose = f" with the tag {found.meta.tag_key}" if found.meta.tag_key else ""
    show(_GROUPS, rows, f"no run{whose} ended in this time")
    stats_charts.show_bars(found)
    if found.meta.groups_capped:
        print(paint(f"{found.meta.tag_key} has more values than are counted one by one", "dim"))


def _trends(found: Stats) -> dict[str | None, str]:
    """Runs over time of each group, in some cells."""
    span = max(found.meta.to - found.meta.from_, 1)
    counts: dict[str | None, list[float]] = {}
    for row in found.data:
        cell = min((row.time - found.meta.from_) * _TREND // span, _TREND - 1)
        counts.setdefault(row.group, [0.0] * _TREND)[cell] += row.count
    return {group: sparkline(values, _TREND, low=0) for group, values in counts.items()}


def _show_tags(found: TagStats) -> None:
    show(_TAGS, [_tag_row(each) for each in found.data], "no run with a tag ended in this time")
    if found.meta.capped:
        names: Sequence[str] = found.meta.capped
        print(paint(f"more values than are counted one by one: {', '.join(names)}", "dim"))


def _tag_row(row: TagFigures) -> list[Cell | str]:
    lifted = row.lift is not None and row.lift >= 2 and row.problems > 1
    return [
        f"{row.key}={row.value}",
        str(row.count),
        str(row.problems),
        Cell(share(row.problem_percent), _mood(row.problem_percent)),
        share(row.share),
        Cell("-" if row.lift is None else f"{row.lift:g}", "bad" if lifted else ""),
        times.rounded(row.p50),
        times.rounded(row.p90),
    ]
