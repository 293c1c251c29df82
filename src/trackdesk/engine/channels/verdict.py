"""What became of a plugin's send. Plugins answer yes or no; the reason is only in what they log."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trackdesk.engine.channels.message import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_RECORDS = 200
"""Records kept of one send; a plugin that logs more is read to here."""

_PERMANENT_HTTP = frozenset({301, 302, 303, 307, 308, 400, 401, 403, 404, 410})
_SMTP_AUTH = frozenset({530, 534, 535, 538})

_HTTP_STATUS = re.compile(r"\berror=(\d{3})\b")
_SMTP_ANSWERS = re.compile(r"\((\d{3}), b(['\"])(.*?)\2|was refused: (\d{3}) (.*)")
_SMTP_TEXTS = ("Socket Exception: ", "SMTP recipient ")
_MAIL_CONNECT = "Connection error while submitting email"
_NETWORK = (
    ("timeout", "no answer in time", re.compile(r"timed? ?out", re.IGNORECASE)),
    ("refused", "the receiver refuses connections", re.compile(r"connection refused", re.IGNORECASE)),
    (
        "dns",
        "the host name can't be resolved",
        re.compile(
            r"name or service|name resolution|NameResolutionError|getaddrinfo|nodename|No address", re.IGNORECASE
        ),
    ),
    ("tls", "no secure connection", re.compile(r"CERTIFICATE|SSL")),
    ("broken", "the connection broke", re.compile(r"aborted|reset by peer|unexpectedly closed|IncompleteRead|EOF")),
)


@dataclass(slots=True)
class Heard:
    """What was logged during one send: the warnings, all texts, and the status of every HTTP answer, oldest first."""

    warnings: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    http: list[int] = field(default_factory=list)


class _Local(threading.local):
    heard: Heard | None = None


class Collector(logging.Handler):
    """Keeps what is logged in a thread that listens; elsewhere drops it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._local = _Local()

    def emit(self, record: logging.LogRecord) -> None:
        heard = self._local.heard
        if heard is None or len(heard.texts) >= MAX_RECORDS:
            return
        if record.name.startswith("urllib3"):
            self._note_http(record, heard)
        elif record.name.startswith("apprise"):
            text = record.getMessage()
            heard.texts.append(text)
            if record.levelno >= logging.WARNING:
                heard.warnings.append(text)

    @staticmethod
    def _note_http(record: logging.LogRecord, heard: Heard) -> None:
        """urllib3 logs each answer as scheme, host, port, method, path, version, status, length."""
        if isinstance(record.args, tuple) and len(record.args) == 8 and isinstance(record.args[6], int):
            heard.http.append(record.args[6])

    @contextlib.contextmanager
    def listening(self) -> Iterator[Heard]:
        self._local.heard = heard = Heard()
        try:
            yield heard
        finally:
            self._local.heard = None


collector = Collector()


def judge(*, sent: bool, heard: Heard) -> Verdict:
    """The detail may still hold secrets."""
    if sent:
        return Verdict(True, str(heard.http[-1]) if heard.http else "sent")
    return _smtp_refusal(heard) or _http_refusal(heard) or _network_failure(heard)


def _smtp_refusal(heard: Heard) -> Verdict | None:
    texts = [text for text in heard.texts if text.startswith(_SMTP_TEXTS)]
    answers = [match for text in texts for match in _SMTP_ANSWERS.finditer(text)]
    if not answers:
        return None
    codes = [int(match[1] or match[4]) for match in answers]
    if any(warning.startswith(_MAIL_CONNECT) for warning in heard.warnings):
        permanent = all(code in _SMTP_AUTH for code in codes)
    else:
        permanent = all(code >= 500 for code in codes)
    return Verdict(
        False, str(codes[-1]), f"the mail server says {codes[-1]} {answers[-1][3] or answers[-1][5]}", permanent
    )


def _http_refusal(heard: Heard) -> Verdict | None:
    logged = [int(match[1]) for text in heard.warnings for match in _HTTP_STATUS.finditer(text)]
    codes = logged or [code for code in heard.http if code >= 300]
    if not codes:
        return None
    detail = "answers with a redirect; none is followed" if 300 <= codes[-1] < 400 else " ".join(heard.warnings)
    return Verdict(False, str(codes[-1]), detail or f"HTTP {codes[-1]}", codes[-1] in _PERMANENT_HTTP)


def _network_failure(heard: Heard) -> Verdict:
    everything = "\n".join(heard.texts)
    for status, words, pattern in _NETWORK:
        if pattern.search(everything):
            return Verdict(False, status, words)
    return Verdict(False, "failed", " ".join(heard.warnings) or "the service didn't take it and said no more")
