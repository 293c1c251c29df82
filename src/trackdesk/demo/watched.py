"""The services of the company as their metrics show them, and the rules that look at these. Nothing here is real."""

from __future__ import annotations

import math
import zlib
from typing import Any, NamedTuple

from trackdesk.demo.company import OUTAGES
from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND


class Gauge(NamedTuple):
    """One series. `usual` is its value on a quiet night; `busy` how much a day's traffic adds, as a share of it."""

    service: str
    metric_type: str
    usual: float
    busy: float = 0.4
    noise: float = 0.12
    spell: float = 3.0
    """What a bad spell makes of it: so many times as much."""
    tags: dict[str, str] = {}
    most: float = math.inf
    stopped: int = 0
    """How long before the present its last sample was sent (µs); 0 goes on."""
    grows: float = 0.0
    """By how much a day."""


class Watched(NamedTuple):
    name: str
    department: str
    description: str
    depends_on: tuple[str, ...] = ()


SERVICES = (
    Watched("shop-api", "web", "What the shop's pages ask.", ("search", "bank-gateway", "warehouse")),
    Watched("search", "web", "The search box and its index."),
    Watched("mailer", "web", "Order confirmations, passwords, the newsletter."),
    Watched("bank-gateway", "payments", "The line to the bank.", ("network",)),
    Watched("risk", "payments", "Scores orders before they ship."),
    Watched("crm-api", "data", "Customers, as sales know them."),
    Watched("warehouse", "data", "Where reports and models read.", ("storage",)),
    Watched("erp", "data", "Stock and purchasing; old, and slow on Mondays."),
    Watched("ml", "data", "Training and scoring on two GPUs.", ("warehouse",)),
    Watched("storage", "infra", "Disks of everybody.", ("network",)),
    Watched("network", "infra", "Two switches and a line to the world."),
    Watched("registry", "infra", "Images and packages."),
)

_EU, _US = {"region": "eu"}, {"region": "us"}
GAUGES = (
    Gauge("shop-api", "LATENCY_MS", 92, 0.7, 0.15, 5.5, _EU),
    Gauge("shop-api", "LATENCY_MS", 121, 0.5, 0.15, 4.0, _US),
    Gauge("shop-api", "ERROR_RATE", 0.3, 0.5, 0.5, 9.0),
    Gauge("shop-api", "REQUESTS_PER_S", 80, 2.6, 0.08, 0.7),
    Gauge("search", "LATENCY_MS", 34, 0.5, 0.2, 8.0),
    Gauge("search", "BUFFER_RATIO", 0.21, 0.6, 0.1, 2.2, most=1.0),
    Gauge("mailer", "QUEUE_LENGTH", 60, 1.8, 0.25, 6.0),
    Gauge("mailer", "ERROR_RATE", 0.8, 0.3, 0.4, 5.0),
    Gauge("bank-gateway", "LATENCY_MS", 210, 0.5, 0.12, 4.0),
    Gauge("bank-gateway", "ERROR_RATE", 0.4, 0.4, 0.5, 22.0, most=100.0),
    Gauge("risk", "LATENCY_MS", 48, 0.6, 0.2, 3.0),
    Gauge("crm-api", "LATENCY_MS", 160, 0.4, 0.2, 6.0),
    Gauge("crm-api", "ERROR_RATE", 0.6, 0.3, 0.5, 12.0, most=100.0),
    Gauge("warehouse", "LATENCY_MS", 310, 0.9, 0.2, 3.0),
    Gauge("warehouse", "DISK_PERCENT", 91.2, 0.0, 0.001, 1.0, most=100.0, grows=0.5),
    Gauge("erp", "LATENCY_MS", 480, 0.6, 0.25, 2.5, stopped=42 * MINUTE),
    Gauge("ml", "GPU_PERCENT", 38, 1.1, 0.25, 1.5, most=100.0),
    Gauge("storage", "DISK_PERCENT", 74, 0.0, 0.001, 1.0, most=100.0, grows=0.3),
    Gauge("storage", "LATENCY_MS", 2.1, 0.4, 0.2, 6.0),
    Gauge("network", "PACKET_LOSS", 0.02, 0.5, 0.9, 60.0, most=100.0),
    Gauge("network", "LATENCY_MS", 7.5, 0.3, 0.15, 5.0),
    Gauge("registry", "ERROR_RATE", 0.5, 0.2, 0.5, 30.0, most=100.0),
    Gauge("registry", "LATENCY_MS", 75, 0.3, 0.2, 3.0),
)


class Spell(NamedTuple):
    """A bad time of a service: when it begins, and how long it lasts, in µs."""

    service: str
    begins: int
    lasts: int


_QUIET = frozenset({"erp", "risk", "ml"})
"""They have bad times of their own making only."""

RULES: tuple[dict[str, Any], ...] = (
    {"id": "shop-slow", "name": "The shop is slow", "metric_type": "LATENCY_MS", "service": "shop-api",
     "aggregate": "p95", "window": "1m", "operator": ">", "threshold": 420, "for": "10s", "recover_threshold": 300,
     "severity": "HIGH", "priority": 10, "description": "Customers leave after two seconds."},
    {"id": "bank-errors", "name": "The bank refuses", "metric_type": "ERROR_RATE", "service": "bank-gateway",
     "aggregate": "avg", "window": "30s", "operator": ">", "threshold": 4, "recover_threshold": 2,
     "severity": "CRITICAL", "priority": 1},
    {"id": "crm-slow", "name": "The CRM is slow", "metric_type": "LATENCY_MS", "service": "crm-api",
     "aggregate": "avg", "window": "1m", "operator": ">", "threshold": 600, "severity": "MEDIUM", "priority": 50},
    {"id": "search-slow", "name": "Search is slow", "metric_type": "LATENCY_MS", "service": "search",
     "operator": ">", "threshold": 200, "for": "15s", "severity": "MEDIUM", "priority": 40},
    {"id": "mail-queue", "name": "Mails pile up", "metric_type": "QUEUE_LENGTH", "operator": ">=", "threshold": 600,
     "for": "20s", "recover_threshold": 300, "severity": "LOW", "priority": 60},
    {"id": "packet-loss", "name": "Packets are lost", "metric_type": "PACKET_LOSS", "aggregate": "max",
     "window": "1m", "operator": ">", "threshold": 0.9, "severity": "HIGH", "priority": 5},
    {"id": "errors", "name": "Errors anywhere", "metric_type": "ERROR_RATE", "aggregate": "avg", "window": "2m",
     "operator": ">", "threshold": 5, "severity": "MEDIUM", "priority": 80},
    {"id": "disk-full", "name": "A disk is nearly full", "metric_type": "DISK_PERCENT", "operator": ">=",
     "threshold": 90, "recover_threshold": 85, "severity": "HIGH", "priority": 20, "department": "infra"},
    {"id": "silent", "name": "Nothing is heard", "metric_type": "LATENCY_MS", "no_data_after": "15m",
     "severity": "MEDIUM", "priority": 90},
    {"id": "gpu-idle", "name": "The GPUs are idle", "metric_type": "GPU_PERCENT", "aggregate": "avg", "window": "30m",
     "operator": "<", "threshold": 5, "severity": "LOW", "enabled": False, "priority": 95},
)  # fmt: skip


def spells(seed: int, service: str, begin: int, end: int) -> list[Spell]:
    """Its bad times from `begin` to `end`: one in some hours, of some minutes each."""
    if service in _QUIET:
        return []
    found = []
    for slot in range(begin // (6 * HOUR) - 1, end // (6 * HOUR) + 1):
        draw = _chance(seed, service, slot)
        if draw < 0.4:
            at = slot * 6 * HOUR + round(_chance(seed, service, slot, 1) * 5 * HOUR)
            found.append(Spell(service, at, round((2 + 14 * draw) * MINUTE)))
    return found


def value(gauge: Gauge, seed: int, at: int, present: int, bad: bool) -> float:
    """What it measures at the instant `at` (µs)."""
    hour = at % DAY / HOUR
    # Quiet at four in the morning, busy at three in the afternoon.
    traffic = 1 + gauge.busy * (0.5 - 0.5 * math.cos((hour - 4) / 24 * 2 * math.pi))
    slow = 1 + 0.12 * math.sin(at / (11 * MINUTE) + seed) + 0.08 * math.sin(at / (3 * MINUTE) + gauge.usual)
    jitter = 1 + gauge.noise * (2 * _chance(seed, gauge.service, gauge.metric_type, len(gauge.tags), at // SECOND) - 1)
    grown = gauge.grows * (at - present) / DAY
    found = gauge.usual * traffic * jitter + grown if gauge.grows else gauge.usual * traffic * slow * jitter
    return round(min(found * (gauge.spell if bad else 1), gauge.most), 3)


def out(service: str, at: int, present: int) -> bool:
    """Whether one of the company's outages is on."""
    return any(each.service == service and present - each.begins <= at < present - each.ends for each in OUTAGES)


def _chance(*of: object) -> float:
    """From 0 to 1, the same for the same; cheap, because there are many."""
    return zlib.crc32("/".join(map(str, of)).encode()) / 0xFFFFFFFF
