"""Work that a widget has done beside its own: a load, a deed that waits for the server."""

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode


def begin(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], *, group: str, exclusive: bool = False) -> None:
    """Runs `work`; with `exclusive`, what runs in the group of `node` is given up for it. What it raises is told to the
    node, and ends nothing.

    Takes the function, not its coroutine: work that is given up before it began would never have awaited that.
    """
    doing: Any = work
    node.run_worker(doing, group=group, exclusive=exclusive, exit_on_error=False)
