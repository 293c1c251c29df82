"""Charts of figures on the command line: within the terminal's width, with braille only where it can be shown."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

import pytest

from trackdesk.cli.stats_charts import draw, draw_bars, share, show_bars
from trackdesk.domain.analytics import Bar, BucketRows, Stats, StatsMeta
from trackdesk.domain.clock import HOUR, SECOND
from trackdesk.domain.instant import format_instant
from trackdesk.domain.tally import Ended, Tally
from trackdesk.store.figures import bucket_row, figures

START = 1_790_000_000_000_000 // HOUR * HOUR


def some_stats(buckets: int) -> Stats:
    """Each bucket has a run more than the one before; those divisible by five none."""
    data, total = [], Tally()
    for number in range(buckets):
        tally = Tally()
        for run in range(number % 5):
            status = "FAILED" if run % 2 else "COMPLETED"
            tally.add(Ended(START, 1, status, None, overdue=False, duration=(run + 1) * SECOND, tags={}))
        total.merge(tally)
        data.append(bucket_row(format_instant(START + number * HOUR), tally, None))
    meta = StatsMeta.model_construct(
        from_=START,
        to=START + buckets * HOUR,
        bucket=HOUR,
        timezone="UTC",
        group_by="none",
        groups=0,
        totals=[figures(total, None)],
    )
    return Stats.model_construct(data=BucketRows(data), meta=meta)


def drawn(columns: int, *, buckets: int = 24, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    with redirect_stdout(out):
        draw(some_stats(buckets), columns)
        draw_bars([Bar(to=5 * SECOND, count=3), Bar(to=10 * SECOND, count=0), Bar(to=None, count=1)], columns)
        out.flush()
    return raw.getvalue().decode(encoding).splitlines()


@pytest.mark.parametrize("columns", [30, 40, 80, 200])
@pytest.mark.parametrize("buckets", [1, 24, 1000])
def test_charts_keep_to_the_width_of_the_terminal(columns: int, buckets: int) -> None:
    lines = drawn(columns, buckets=buckets)
    assert {"runs", "missed or failed", "how long they took"} <= set(lines)
    assert max(map(len, lines)) <= columns


def test_a_terminal_without_unicode_gets_ascii() -> None:
    lines = drawn(80, encoding="ascii")
    assert all(any(name in line for line in lines) for name in ("p50", "p90", "p99"))


def test_nobody_gets_colour_who_is_no_terminal() -> None:
    assert not any("\x1b" in line for line in drawn(80))


@pytest.mark.parametrize(("percent", "said"), [(None, "-"), (0.0, "0%"), (9.75, "9.75%"), (100.0, "100%")])
def test_a_share_is_said_in_few_cells(percent: float | None, said: str) -> None:
    assert share(percent) == said


@pytest.mark.parametrize(("by", "said"), [("none", ["TOOK RUNS", "to 5s 3", "longer 1"]), ("process", ["a longer 1"])])
def test_in_a_pipe_how_durations_are_spread_is_rows(
    by: str, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = some_stats(4)
    bars = [Bar(to=5, count=3), Bar(to=None, count=1)]
    totals = [total.model_copy(update={"histogram": bars, "group": "a"}) for total in found.meta.totals]
    meta = found.meta.model_copy(update={"group_by": by, "totals": totals})
    show_bars(found.model_copy(update={"meta": meta}))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert set(said) <= set(lines)


def test_without_bars_nothing_is_said_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    show_bars(some_stats(4))
    assert capsys.readouterr().out == ""
