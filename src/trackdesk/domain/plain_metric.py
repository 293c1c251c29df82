"""Samples among the lines of `/v1/ingest`, read without a model where nothing is wrong with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import orjson

from trackdesk.domain.metric import UID_PATTERN, read_draft

if TYPE_CHECKING:
    from trackdesk.domain.metric import Draft

_MARK = b'"metric"'
_uid = re.compile(UID_PATTERN, re.ASCII).fullmatch


class PlainMetric(NamedTuple):
    """What `MetricLine` says; its `uid` is not in the draft."""

    uid: str | None
    draft: Draft
    kind: str = "metric"


def plain_metric(raw: bytes) -> PlainMetric | None:
    """None for all but a sample in which nothing is wrong."""
    if _MARK not in raw:
        return None
    try:
        given = orjson.loads(raw)
        if type(given) is not dict or given.pop("kind", None) != "metric":
            return None
        uid = given.pop("uid", None)
        if uid is not None and not _uid(uid):
            return None
        return PlainMetric(uid, read_draft(given))
    except (ValueError, TypeError):  # JSON's and the model's errors are ValueErrors
        return None
