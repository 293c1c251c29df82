"""Text from outside, made harmless: what a terminal would execute is shown instead."""

import re
import unicodedata

_LINE_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")

_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls, escape among them
    "\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"  # invisible, or turning
    "\ud800-\udfff"  # a lone surrogate cannot be encoded to the terminal
    "\U000e0000-\U000e007f"  # tag characters: invisible
    "]"
)

_UNSAFE_IN_JSON = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""What JSON itself does not escape."""
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "    ", "\x1b": "\\e", "\x00": "\\0"}


def _escaped(match: re.Match[str]) -> str:
    char = match.group()
    named = _NAMED.get(char)
    if named is not None:
        return named
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe_text(text: str) -> str:
    """One line that is safe to put on a screen: control, escape and bidirectional characters are spelt out.

    A tab becomes four spaces. Stacks of combining marks are cut to three, because terminals draw taller ones over
    the neighbouring lines.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _UNSAFE.sub(_escaped, text)
    return text if text.isascii() else _without_towers(text)


def safe_lines(text: str) -> list[str]:
    """`text` at its line breaks, each line made safe; at least one line."""
    return [safe_text(line) for line in _LINE_BREAKS.split(text)]


def as_signs(text: str) -> str:
    """The same number of characters, with one sign for each that a terminal would obey: for text under a cursor."""
    return _UNSAFE.sub("\ufffd", text)


def as_json(text: str) -> str:
    """JSON that says the same and shows as escapes what a terminal would obey; its own line ends stay."""
    return _UNSAFE_IN_JSON.sub(_json_escaped, text)


def _json_escaped(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _without_towers(text: str) -> str:
    kept: list[str] = []
    height = 0
    for char in text:
        height = height + 1 if unicodedata.combining(char) else 0
        if height <= 3:
            kept.append(char)
    return "".join(kept)
