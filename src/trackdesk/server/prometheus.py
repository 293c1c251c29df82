"""Figures about trackdesk itself in Prometheus' text format, version 0.0.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trackdesk.server.statistics import BOUNDS
from trackdesk.store.writer import COMMIT_BUCKETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trackdesk.server.house import House
    from trackdesk.server.statistics import Statistics
    from trackdesk.store.sizes import Sizes

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def exposition(house: House, sizes: Sizes) -> str:
    """All of it; one line a sample, each family with its HELP and TYPE."""
    lines: list[str] = []
    lines += _family("trackdesk_info", "gauge", "What runs here.", [f'{{version="{_escaped(house.version)}"}} 1'])
    lines += _requests(house.statistics)
    lines += _writer(house)
    lines += _sizes(sizes)
    hub = house.engine.hub.counts
    for name, kind, text, value in (
        ("trackdesk_requests_in_flight", "gauge", "Requests in hand now.", house.statistics.in_flight),
        ("trackdesk_unrouted_requests_total", "counter", "Requests for what is not there.", house.statistics.unrouted),
        ("trackdesk_stream_subscribers", "gauge", "Watchers of the live stream.", hub.subscribers),
        ("trackdesk_stream_entries_total", "counter", "Journal entries handed to the live stream.", hub.published),
        ("trackdesk_stream_merged_total", "counter", "Changes told together with an earlier one.", hub.merged),
        ("trackdesk_stream_resyncs_total", "counter", "Topics told to be read again.", hub.resyncs),
    ):
        lines += _family(name, kind, text, [f" {value}"])
    verdicts = [f'{{what="{_escaped(what)}"}} {count}' for what, count in house.verdicts().items()]
    lines += _family("trackdesk_agenda_total", "counter", "What time alone made of runs.", verdicts)
    evaluated = [f'{{what="{_escaped(what)}"}} {count}' for what, count in house.rules().items()]
    lines += _family("trackdesk_rules_total", "counter", "What rules made of samples.", evaluated)
    workers = [f'{{worker="{_escaped(worker.name)}"}} {int(worker.ok)}' for worker in house.workers()]
    lines += _family("trackdesk_worker_up", "gauge", "1 when a worker is well.", workers)
    return "\n".join(lines) + "\n"


def _family(name: str, kind: str, text: str, samples: Iterable[str]) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *(name + sample for sample in samples)]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _requests(statistics: Statistics) -> list[str]:
    name = "trackdesk_request_seconds"

    def samples() -> Iterator[str]:
        for endpoint, counts in statistics.endpoints.items():
            for kind, buckets in enumerate(counts.buckets):
                if any(buckets):
                    yield from _histogram(
                        f'endpoint="{endpoint}",class="{kind}xx"', BOUNDS, buckets, counts.seconds[kind]
                    )

    return _family(name, "histogram", "Time to answer, by endpoint and class of status.", samples())


def _histogram(labels: str, bounds: Sequence[float], buckets: Sequence[int], seconds: float) -> Iterator[str]:
    """`buckets` has one count more than there are bounds, and they do not add up yet."""
    separator = "," if labels else ""
    total = 0
    for bound, count in zip((*bounds, None), buckets, strict=True):
        total += count
        shown = "+Inf" if bound is None else f"{bound:g}"
        yield f'_bucket{{{labels}{separator}le="{shown}"}} {total}'
    braces = f"{{{labels}}}" if labels else ""
    yield f"_sum{braces} {seconds:.6f}"
    yield f"_count{braces} {total}"


def _writer(house: House) -> list[str]:
    stats = house.engine.writer.stats
    name = "trackdesk_commit_seconds"
    samples = _histogram("", COMMIT_BUCKETS, stats.commit_seconds, stats.commit_seconds_sum)
    return [
        *_family(name, "histogram", "Time a commit takes until it is on the disk.", samples),
        *_family("trackdesk_operations_total", "counter", "Operations committed.", [f" {stats.operations}"]),
        *_family("trackdesk_refused_operations_total", "counter", "Operations undone.", [f" {stats.rolled_back}"]),
        *_family("trackdesk_write_queue", "gauge", "Operations that wait for the writer.", [f" {stats.queue_depth}"]),
    ]


def _sizes(sizes: Sizes) -> list[str]:
    parts = [f'{{part="{part}"}} {getattr(sizes, part)}' for part in ("file", "log", "free")]
    rows = [f'{{table="{table}"}} {count}' for table, count in sizes.rows.items()]
    oldest = [] if sizes.oldest_run is None else [f" {sizes.oldest_run / 1_000_000:.3f}"]
    return [
        *_family("trackdesk_database_bytes", "gauge", "Size of the file, of its log, and what is free in it.", parts),
        *_family("trackdesk_rows", "gauge", "About so many rows are stored.", rows),
        *_family("trackdesk_oldest_run_timestamp_seconds", "gauge", "When the oldest stored run began.", oldest),
    ]
