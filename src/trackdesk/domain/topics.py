"""What changes are told about, in the journal and in the live stream."""

from typing import Final

TOPICS: Final = (
    "runs",
    "processes",
    "incidents",
    "notifications",
    "channels",
    "deliveries",
    "keys",
    "departments",
    "services",
    "rules",
    "silences",
    "maintenance",
    "cleanup",
)
"""Those of the journal."""
STREAM_TOPICS: Final = (*TOPICS, "logs", "progress", "metrics")
"""With those that are no changes of state: only the live stream tells them, and keeps nothing of them."""
STREAM_PATTERN: Final = f"^({'|'.join(STREAM_TOPICS)})(,({'|'.join(STREAM_TOPICS)}))*$"
"""What the live stream takes for `topics`."""
