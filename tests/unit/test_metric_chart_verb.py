"""`trackdesk metric chart` draws what fits the terminal, and lists what does not."""

from __future__ import annotations

import argparse

import pytest

from trackdesk.cli import metric_chart
from trackdesk.domain.clock import HOUR
from trackdesk.domain.errors import Invalid
from trackdesk.domain.metric_chart import ChartMeta, ChartPoint, MetricChart

START = 1_790_000_000_000_000 // HOUR * HOUR


def given(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    metric_chart.add_arguments(parser)
    return parser.parse_args(["crm-api", "LATENCY_MS", *words])


def some_chart(*values: float | None) -> MetricChart:
    """Two samples of each value, an hour each; None: none."""
    points = []
    for number, value in enumerate(values):
        figures = dict.fromkeys(("min", "max", "avg", "last", "p50", "p95", "p99"), value)
        count = 0 if value is None else 2
        points.append(ChartPoint.model_construct(time=START + number * HOUR, count=count, **figures))
    meta = ChartMeta.model_construct(
        metric_type="LATENCY_MS", from_=START, to=START + len(values) * HOUR, bucket=HOUR, group_by="none", series=1
    )
    return MetricChart.model_construct(data=points, meta=meta)


@pytest.mark.parametrize("columns", [40, 100])
def test_a_chart_keeps_to_the_width(columns: int, capsys: pytest.CaptureFixture[str]) -> None:
    metric_chart._show(given(), some_chart(*range(5, 40), None, 7.5), columns)
    lines = capsys.readouterr().out.splitlines()
    assert {"samples", "values"} <= set(lines)
    assert max(map(len, lines[1:])) <= columns
    assert "greatest  39" in lines
    assert "last      7.5" in lines


def test_elsewhere_than_on_a_terminal_there_is_a_row_for_each_bucket(capsys: pytest.CaptureFixture[str]) -> None:
    metric_chart._show(given(), some_chart(1, None, 2.5), None)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2].split()[-7:] == ["2.5"] * 7


@pytest.mark.parametrize("value", [1e308, -1e308])
def test_what_is_too_large_to_draw_is_listed(value: float, capsys: pytest.CaptureFixture[str]) -> None:
    metric_chart._show(given(), some_chart(value, 1), 80)
    assert f"{value:g}" in capsys.readouterr().out


def test_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    metric_chart._show(given(), some_chart(None, None), 80)
    assert "nothing was measured in this time" in "".join(capsys.readouterr())


def test_the_width_says_how_many_points_are_asked_for() -> None:
    assert metric_chart._query(given(), 90)["points"] == 90
    query = metric_chart._query(given("--bucket", "5m", "--tag", "host=n1"), 90)
    assert (query["bucket"], query["tag"], "points" in query) == ("5m", ["host:n1"], False)


def test_a_duration_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        metric_chart._query(given("--last", "7x"), 80)
    assert refused.value.errors[0].field == "--last"
