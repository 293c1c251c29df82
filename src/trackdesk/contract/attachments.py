"""Calls about the files that are attached to incidents."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import Endpoint
from trackdesk.domain import filters
from trackdesk.domain.attachment import MAX_FILE, Attachment
from trackdesk.domain.identity import Permission
from trackdesk.domain.page import Page

_AROUND: Final = 65_536
"""Bytes that a form may have around its file."""

ATTACHMENT_LIST: Final = Endpoint[Page[Attachment]](
    "attachments.list",
    (("GET", "/v1/incidents/{incident}/attachments"),),
    Permission.READ,
    "The files attached to an incident, oldest first",
    Page[Attachment],
    query=filters.Listing,
)
ATTACHMENT_ADD: Final = Endpoint[Attachment](
    "attachments.add",
    (("POST", "/v1/incidents/{incident}/attachments"),),
    Permission.REPORT,
    "Attach a file to an incident, as multipart/form-data with one file of at most 32 MiB",
    Attachment,
    status=201,
    max_body=MAX_FILE + _AROUND,
    takes="multipart/form-data",
    errors=(409,),
)
ATTACHMENT_GET: Final = Endpoint[None](
    "attachments.get",
    (("GET", "/v1/incidents/{incident}/attachments/{attachment}"),),
    Permission.READ,
    "Download an attached file; takes `Range`",
    media="application/octet-stream",
)
ATTACHMENT_DELETE: Final = Endpoint[None](
    "attachments.delete",
    (("DELETE", "/v1/incidents/{incident}/attachments/{attachment}"),),
    Permission.OPERATE,
    "Delete an attached file",
    status=204,
)
