"""A rule's condition in one line, as people write it: `p95 of LATENCY_MS over 5m > 400 for 2m or silent for 10m`."""

from __future__ import annotations

import re
from typing import Any, Final

from trackdesk.domain.errors import Invalid

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_CONDITION: Final = re.compile(
    r"\s*(?:(?P<aggregate>last|avg|min|max|count|p95)\s+of\s+)?(?P<metric_type>[A-Za-z][A-Za-z0-9_]*)"
    r"(?:\s+over\s+(?P<window>[^\s<>=!]+))?"
    rf"(?:\s*(?P<operator>>=|<=|==|!=|>|<)\s*(?P<threshold>{_NUMBER})(?:\s+for\s+(?P<hold>\S+))?)?"
    r"(?:(?P<either>\s+or)?\s+silent\s+for\s+(?P<silence>\S+))?\s*",
    re.ASCII,
)
EXAMPLES: Final = (
    "LATENCY_MS > 150",
    "p95 of LATENCY_MS over 5m > 400 for 2m",
    "HEARTBEAT silent for 10m",
)


def parse_condition(text: str) -> dict[str, Any]:
    """The members of a rule that the line is about, as JSON has them; those that it doesn't speak of are null.

    Raises Invalid (`condition`) for what is no such line; what its words and numbers may be is checked with the rule.
    """
    match = _CONDITION.fullmatch(text)
    found = {} if match is None else match.groupdict()
    joined = found.get("operator") and found.get("silence")
    if not (found.get("operator") or found.get("silence")) or bool(joined) != bool(found.get("either")):
        raise Invalid("condition", f"expected a line such as {', '.join(map(repr, EXAMPLES))}", text)
    return {
        "metric_type": found["metric_type"],
        "aggregate": found["aggregate"],
        "window": found["window"],
        "operator": found["operator"],
        "threshold": None if found["threshold"] is None else float(found["threshold"]),
        "for": found["hold"],
        "no_data_after": found["silence"],
    }
