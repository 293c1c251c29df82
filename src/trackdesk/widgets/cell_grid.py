"""Cells of a chart while it is drawn: characters with their roles, over which more can be laid."""

from collections.abc import Iterable, Sequence

from trackdesk.widgets.glyphs import Role, Toned


class CellGrid:
    """`width` by `height` cells, blank at first. Whatever is outside is left out."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._chars = [[" "] * width for _ in range(height)]
        self._roles: list[list[Role]] = [["dim"] * width for _ in range(height)]

    def put(self, row: int, column: int, text: str, role: Role) -> None:
        """Write over what is there."""
        if 0 <= row < self.height:
            for at, char in enumerate(text, start=column):
                if 0 <= at < self.width:
                    self._chars[row][at], self._roles[row][at] = char, role

    def put_parts(self, row: int, parts: Iterable[Toned]) -> None:
        column = 0
        for part in parts:
            self.put(row, column, part.text, part.role)
            column += len(part.text)

    def under(self, row: int, column: int, char: str, role: Role) -> None:
        """Write only where nothing is yet."""
        if 0 <= row < self.height and 0 <= column < self.width and self._chars[row][column] in " \u2800":
            self._chars[row][column], self._roles[row][column] = char, role

    def char(self, row: int, column: int) -> str:
        """What is there; nothing outside."""
        return self._chars[row][column] if 0 <= row < self.height and 0 <= column < self.width else ""

    def rows(self) -> list[list[Toned]]:
        """Neighbours of the same role together."""
        return [list(_runs(chars, roles)) for chars, roles in zip(self._chars, self._roles, strict=True)]


def _runs(chars: Sequence[str], roles: Sequence[Role]) -> Iterable[Toned]:
    start = 0
    for at in range(1, len(chars) + 1):
        if at == len(chars) or roles[at] != roles[start]:
            yield Toned("".join(chars[start:at]), roles[start])
            start = at
