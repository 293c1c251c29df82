"""The call about all that is set up at once."""

from __future__ import annotations

from typing import Final

from trackdesk.contract.endpoint import MEBIBYTE, Endpoint
from trackdesk.domain import configuration
from trackdesk.domain.identity import Permission

CONFIGURATION_APPLY: Final = Endpoint[configuration.Applied](
    "configuration.apply",
    (("POST", "/v1/apply"),),
    Permission.OPERATE,
    "Bring departments, processes, rules, maintenance and channels to what a document says, all of it or nothing",
    configuration.Applied,
    body=configuration.ApplyConfiguration,
    max_body=8 * MEBIBYTE,
    errors=(409,),
)
