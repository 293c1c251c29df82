"""Breaking a line at its words, counted in terminal cells."""

from rich.cells import cell_len, chop_cells


def wrapped(line: str, width: int) -> list[str]:
    """`line` in parts of at most `width` cells; a word longer than that is cut. At least one part."""
    parts: list[str] = []
    current, used = "", 0
    for word in line.split(" "):
        length = cell_len(word)
        if used and used + 1 + length <= width:
            current, used = f"{current} {word}", used + 1 + length
            continue
        if used:
            parts.append(current)
        *whole, current = chop_cells(word, width) or [""]
        parts += whole
        used = cell_len(current)
    return [*parts, current]
