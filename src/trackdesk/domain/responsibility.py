"""Whose an incident is."""

from __future__ import annotations

from trackdesk.domain.notification import DEFAULT_DEPARTMENT


def responsible(*, opener: str | None = None, service: str | None = None, process: str | None = None) -> str:
    """The department that an incident goes to, of those that what opened it (its rule, a label of its alert), its
    service and its process name."""
    return opener or service or process or DEFAULT_DEPARTMENT
