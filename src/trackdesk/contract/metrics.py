"""Calls about samples and the services that they come from."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import MEBIBYTE, Endpoint
from trackdesk.domain import metric, metric_filters, service
from trackdesk.domain.identity import Permission
from trackdesk.domain.page import Page

SAMPLES_SEND: Final = Endpoint[metric.Sample | metric.SamplesAccepted](
    "metrics.send",
    (("POST", "/v1/metrics"),),
    Permission.INGEST,
    "Record a sample, or up to 10,000 in an array or as lines (NDJSON): all of them or none",
    metric.Sample | metric.SamplesAccepted,
    status=201,
    body=metric.SampleInput,
    max_body=8 * MEBIBYTE,
    also_takes="application/x-ndjson",
    errors=(409,),
)
SAMPLES_LIST: Final = Endpoint[Page[metric.Sample]](
    "metrics.list",
    (("GET", "/v1/metrics"),),
    Permission.READ,
    "Samples as they were sent, newest first",
    Page[metric.Sample],
    query=metric_filters.SampleFilter,
)
SAMPLES_LATEST: Final = Endpoint[Page[metric.Sample]](
    "metrics.latest",
    (("GET", "/v1/metrics/latest"),),
    Permission.READ,
    "The last sample of each series",
    Page[metric.Sample],
    query=metric_filters.LatestFilter,
)

SERVICE_LIST: Final = Endpoint[Page[service.Service]](
    "services.list",
    (("GET", "/v1/services"),),
    Permission.READ,
    "Services under watch, and how well each is",
    Page[service.Service],
    query=metric_filters.ServiceFilter,
)
SERVICE_ADD: Final = Endpoint[service.Service](
    "services.add",
    (("POST", "/v1/services"),),
    Permission.OPERATE,
    "Make a service before it sends anything",
    service.Service,
    status=201,
    body=service.NewService,
    errors=(409,),
)
SERVICE_GET: Final = Endpoint[service.Service](
    "services.get",
    (("GET", "/v1/services/{service}"),),
    Permission.READ,
    "One service, and how well it is",
    service.Service,
)
SERVICE_PATCH: Final = Endpoint[service.Service](
    "services.patch",
    (("PATCH", "/v1/services/{service}"),),
    Permission.OPERATE,
    "Describe a service, give it to a department, say what it depends on",
    service.Service,
    body=service.ChangeService,
    if_match=True,
    errors=(409,),
)
SERVICE_DELETE: Final = Endpoint[None](
    "services.delete",
    (("DELETE", "/v1/services/{service}"),),
    Permission.OPERATE,
    "Delete a service that nothing refers to, with its samples",
    status=204,
    errors=(409,),
)
