"""Breaking a line at its words, counted in terminal cells."""

from rich.cells import cell_len


def wrapped(line: str, width: int) -> list[str]:
    """`line` in parts of at most `width` cells, all as far in as it begins; a longer word is cut. At least one part."""
    words = line.lstrip(" ")
    indent = min(len(line) - len(words), width // 2)
    return [" " * indent + part for part in _filled(words, width - indent)]


def _filled(line: str, width: int) -> list[str]:
    parts: list[str] = []
    current, used = "", 0
    for word in line.split(" "):
        length = cell_len(word)
        if used and used + 1 + length <= width:
            current, used = f"{current} {word}", used + 1 + length
            continue
        if used:
            parts.append(current)
        *whole, current = _chopped(word, width)
        parts += whole
        used = cell_len(current)
    return [*parts, current]


def _chopped(word: str, width: int) -> list[str]:
    """Parts of at most `width` cells. A letter that has no width of its own stays, wherever it stands."""
    parts = [""]
    for letter in word:
        if parts[-1] and cell_len(parts[-1] + letter) > width:
            parts.append(letter)
        else:
            parts[-1] += letter
    return parts
