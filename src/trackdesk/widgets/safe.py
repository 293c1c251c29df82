"""What everything on a screen goes through before it is shown."""

from trackdesk.domain.safe import safe_lines, safe_text

__all__ = ["safe_lines", "safe_text"]
