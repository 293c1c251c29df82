"""What lists of samples, series and services can be narrowed and sorted by, and what their `q=` knows."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field as Member

from trackdesk.domain.filters import Lower, QueryInstant, Searchable, TagFilter, Upper, Words
from trackdesk.domain.q import Field, FieldKind
from trackdesk.domain.service import Health

TagFilters = Annotated[list[TagFilter], Member(max_length=20)]


class LatestFilter(Searchable):
    service: Words = []
    metric_type: Annotated[
        list[Annotated[str, Upper, Member(min_length=1, max_length=256)]], Member(max_length=50)
    ] = []
    tag: TagFilters = []


class SampleFilter(LatestFilter):
    from_: Annotated[QueryInstant | None, Member(alias="from")] = None
    to: QueryInstant | None = None
    """Not itself part of it."""


class ServiceFilter(Searchable):
    health: list[Annotated[Health, Upper]] = []
    department: Words = []
    sort: Annotated[Literal["name", "-name", "health", "-health"], Lower] = "name"
    """By `health`: what is worst comes first."""


SAMPLE_FIELDS: Final = {
    "service": Field(FieldKind.TEXT),
    "metric_type": Field(FieldKind.TEXT),
    "tag": Field(FieldKind.TAG),
    "recorded": Field(FieldKind.AGE),
}
SERVICE_FIELDS: Final = {
    "name": Field(FieldKind.TEXT),
    "health": Field(FieldKind.ENUM, tuple(str(each) for each in Health)),
    "department": Field(FieldKind.TEXT),
    "metric_type": Field(FieldKind.TEXT),
    "sample": Field(FieldKind.AGE),
}
