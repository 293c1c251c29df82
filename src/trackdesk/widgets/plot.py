"""Charts for analysis: the one place that knows plotext. Too slow for a live line: that is `braille`.

A chart takes 10 to 40 ms: draw it in a thread worker and not more than once a second.
"""

import re
from collections.abc import Sequence
from threading import Lock
from typing import Any

from rich.text import Text

from trackdesk.widgets.look import Look
from trackdesk.widgets.safe import safe_text

_INK = re.compile("[\u2580-\u259f\u2800-\u28ff#]+")
_FRAME = str.maketrans("┌┐└┘─│┤┬├┴┼█", "++++-|+++++#")

# plotext has one figure for the whole process.
_one_figure = Lock()


def histogram(values: Sequence[float], width: int, height: int, look: Look, *, bins: int = 20) -> Text:
    """How often values fall into each of `bins` equal ranges."""
    return _drawn(lambda figure: figure.hist(list(values), bins=bins), width, height, look)


def bars(labels: Sequence[str], values: Sequence[float], width: int, height: int, look: Look) -> Text:
    """One bar a label, side by side. Raises `ValueError` when there are not as many labels as values."""
    if len(labels) != len(values):
        raise ValueError(f"bars: {len(labels)} labels for {len(values)} values; give one label for each value")
    names = [safe_text(label) for label in labels]
    return _drawn(lambda figure: figure.bar(names, list(values)), width, height, look)


def _drawn(signal: Any, width: int, height: int, look: Look) -> Text:
    # A tenth of a second to import, and most sessions never look at a chart of this kind.
    import plotext  # noqa: PLC0415

    with _one_figure:
        # Else it clamps every chart to the terminal, which is 80 by 24 where it cannot see one.
        plotext.terminal.limit(False, False)
        figure = plotext.figure
        figure.clear()
        figure.theme("colorless")
        figure.draw(signal(figure))
        figure.plot_size(width, height)
        plain = plotext.uncolorize(figure.build().string())
        figure.clear()
    text = Text(plain.translate(_FRAME) if look.ascii_only else plain, look.role("dim"), no_wrap=True)
    text.highlight_regex(_INK, look.role("run"))
    return text
