"""The call that deletes what is old."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain import retention
from trackdesk.domain.identity import Permission

CLEANUP: Final = Endpoint[retention.Cleaned](
    "cleanup.run",
    (("POST", "/v1/cleanup"),),
    Permission.ADMIN,
    "Delete what is older, or count it first; works for 20 seconds and says whether more is left",
    retention.Cleaned,
    body=retention.Cleanup,
    errors=(404,),
)
