"""Where the server's log goes: JSON lines on stderr when it runs headless, a file when the console has the terminal."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any

from trackdesk.domain.safe import as_json, safe_lines, safe_text

if TYPE_CHECKING:
    from io import TextIOWrapper
    from pathlib import Path

FILE_BYTES = 5_000_000
FILES_KEPT = 3
_KEY = re.compile(r"tdk_[0-9a-z]{16,}")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        line = {"at": at, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return without_keys(as_json(json.dumps(line, ensure_ascii=False)))


class TextFormatter(logging.Formatter):
    """Lines for people: one a message, whatever is in it, and those of its traceback."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        record.message = safe_text(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        return "\n".join(safe_lines(super().formatException(ei)))


class PrivateFileHandler(logging.handlers.RotatingFileHandler):
    """Each new file is its owner's alone, also those that rotation begins."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, opener=_open_private)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def without_keys(text: str) -> str:
    """Nobody should log a key; if somebody does, it still isn't written down."""
    return _KEY.sub("tdk_…", text)


def log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def log_to_file(path: Path, level: str) -> None:
    """Rotated, readable only by its owner. The console shows its end as `:logs`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = PrivateFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
    handler.setFormatter(TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
