"""Files that people attach to incidents: what they may be called, and how large they may be."""

from __future__ import annotations

import unicodedata
from typing import Final
from urllib.parse import quote

from trackdesk.domain.instant import Instant
from trackdesk.domain.model import Value

MAX_FILE: Final = 32 * 1_048_576
"""Bytes of one file."""
MAX_FILES: Final = 100
"""Files of one incident."""
MAX_STORED: Final = 10 * 1024 * 1_048_576
"""Bytes of all files of all incidents; what is attached twice counts once."""
LONGEST_NAME: Final = 150
"""Characters."""
LONGEST_NAME_BYTES: Final = 200
"""In UTF-8: file systems take 255, and a number may have to be added."""
_LONGEST_SUFFIX: Final = 20
_NOT_IN_NAMES: Final = dict.fromkeys(map(ord, '<>:"|?*'), "_")
"""What Windows does not take; slashes of both kinds part folders."""
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, what turns or hides text, halves of characters, and what has no meaning of its own."""
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(1, 10))}
)


SHA256_PATTERN: Final = r"^[0-9a-f]{64}$"


class Attachment(Value):
    id: int
    incident: int
    name: str
    size: int
    """Bytes."""
    sha256: str
    author: str
    created_at: Instant


def file_name(given: str) -> str:
    """A name that can be shown and saved anywhere: without folders, and without characters that control, hide or turn
    what is shown. Never empty."""
    last = given.replace("\\", "/").rpartition("/")[2]
    shown = "".join(char for char in last if unicodedata.category(char) not in _INVISIBLE)
    shown = " ".join(shown.translate(_NOT_IN_NAMES).split())
    name = _cut(unicodedata.normalize("NFC", shown).strip(". "))
    return f"_{name}" if name.partition(".")[0].lower() in _DEVICES else name or "file"


def _cut(name: str) -> str:
    """Short enough, with its ending kept as far as it is one."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > _LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    ending = dot + suffix
    stem = stem[: LONGEST_NAME - len(ending)]
    while len((stem + ending).encode()) > LONGEST_NAME_BYTES:
        stem = stem[:-1]
    return stem.rstrip(". ") + ending


def disposition(name: str) -> str:
    """The `Content-Disposition` of a download (RFC 6266): in ASCII, and as it is."""
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%;' else "_" for char in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
