"""What a table announces. Screens listen (`on_row_opened`, …) and decide."""

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from textual.widget import Widget

    from trackdesk.widgets.rows import Row


class TableMessage(Message):
    """Something happened in `table`."""

    def __init__(self, table: "Widget") -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> "Widget":
        return self.table


class MoreNeeded(TableMessage):
    """The reader nears the end of what is loaded: answer with `append_page`."""


class RowSelected(TableMessage):
    """The cursor went to another row, or to none; ask the table which."""

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, RowSelected) and message.table is self.table


class RowOpened(TableMessage):
    """Enter or a double click on `row`."""

    def __init__(self, table: "Widget", row: "Row") -> None:
        super().__init__(table)
        self.row = row


class MarksChanged(TableMessage):
    """Other rows are marked than before."""


class SortRequested(TableMessage):
    """The list shall be sorted by `column`: load it anew and say so with `set_sort`."""

    def __init__(self, table: "Widget", column: str, *, descending: bool) -> None:
        super().__init__(table)
        self.column = column
        self.descending = descending
