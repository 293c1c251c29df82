from __future__ import annotations

from typing import TYPE_CHECKING

from tests.console.frames import until
from tests.console.triage_desk import desk_over
from trackdesk.screens.service import ServiceView
from trackdesk.widgets.time_chart import TimeChart

if TYPE_CHECKING:
    from tests.console.triage_desk import Desk
    from trackdesk.runtime import Server

SECTION = "services"


async def _measured(desk: Desk, service: str = "shop", metric_type: str = "LATENCY_MS", level: float = 100) -> None:
    """A sample a minute over the last forty."""
    now = desk.app.now() // 1_000_000
    samples = [
        {"service": service, "metric_type": metric_type, "value": level + minute, "recorded_at": now - minute * 60}
        for minute in range(40)
    ]
    await desk.other.metrics.send(samples)


async def _open(desk: Desk) -> TimeChart:
    await _measured(desk)
    await desk.sees("shop")
    await desk.press("enter")
    await desk.sees("LATENCY_MS \u2500")
    return desk.app.screen.query_one(TimeChart)


def _ahead(desk: Desk, seconds: int) -> None:
    """From now on the screen takes it to be that much later."""
    began = desk.app.now()
    desk.app.screen.query_one(ServiceView).desk.now = lambda: began + seconds * 1_000_000


async def test_a_service_stands_in_the_list_with_its_health_and_a_sparkline_of_each_metric(desk: Desk) -> None:
    await _measured(desk)
    await desk.report("The shop is down", service="shop", severity="CRITICAL")
    await desk.sees("\u2717 down")
    await until(lambda: "\u2587" in desk.line("shop"))
    assert "LATENCY_MS" in desk.frame


async def test_a_service_shows_metrics_of_its_own_where_others_have_none_of_them(server: Server) -> None:
    async with desk_over(server, "services", size=(80, 24)) as desk:
        for name in ("crm", "mail", "shop"):
            await _measured(desk, name)
        await _measured(desk, "ml", "GPU_PERCENT")
        await desk.other.services.add({"name": "idle"})
        await until(lambda: "\u2587" in desk.line("GPU_PER"))
        assert " ml " in desk.line("GPU_PER")
        assert "has sent nothing yet" in desk.line("idle")


async def test_without_a_service_the_list_says_what_makes_one(desk: Desk) -> None:
    await desk.sees("No service sends metrics yet: its first sample makes it")
    await desk.sees("trackdesk metric push checkout LATENCY_MS 120")


async def test_the_grid_has_a_tile_for_each_to_edit_and_to_open(desk: Desk) -> None:
    for name in ("crm", "mail", "shop"):
        await _measured(desk, name)
    await desk.sees("crm")
    await desk.press("right_square_bracket")
    await desk.sees("the worst first")
    await until(lambda: "\u2587" in desk.frame)
    await desk.press("right", "right", "left", "E")
    await desk.sees("Service mail")
    await desk.press("escape", "enter")
    await desk.sees("Services \u203a mail")


async def test_a_chart_has_the_threshold_of_its_rule_and_the_incident_drawn_in(desk: Desk) -> None:
    await desk.other.rules.add({"id": "slow", "metric_type": "LATENCY_MS", "operator": ">", "threshold": 90})
    chart = await _open(desk)
    await until(lambda: chart.measured is not None and chart.measured.spans)
    measured = chart.measured
    assert measured is not None
    assert measured.thresholds == [("slow", 90.0)]
    assert [span.name for span in measured.spans] == ["INC-1"]
    await desk.sees("INC-1")
    await desk.sees("\u2717 firing")


async def test_charts_are_zoomed_moved_and_read_by_keys(desk: Desk) -> None:
    chart = await _open(desk)
    await desk.press("comma")
    await desk.sees("[1h]")
    await until(lambda: chart.chart is not None and chart.chart.limits[1] - chart.chart.limits[0] == 3_600_000_000)
    await desk.press("left", "left")
    await desk.sees("p50 1")
    await desk.press("H")
    await until(lambda: chart.chart is not None and chart.chart.limits[1] < desk.app.now() - 20 * 60_000_000)
    await desk.press("escape")
    assert chart.reading_at is None
    await desk.press("f")
    await until(lambda: chart.chart is not None and abs(chart.chart.limits[1] - desk.app.now()) < 10_000_000)
    await desk.press("L")
    await desk.sees("this is the present")


async def test_of_many_metrics_it_says_that_there_are_more_and_finds_them_by_name(desk: Desk) -> None:
    many = [{"service": "shop", "metric_type": f"QUEUE_{at:02}", "value": at} for at in range(40)]
    await desk.other.metrics.send(many)
    await desk.sees("shop")
    await desk.press("enter")
    await desk.sees("12 of 40 metrics are drawn; / finds others by name")
    await desk.press("slash")
    await desk.type("37")
    await desk.sees("QUEUE_37 \u2500")
    await desk.sees("1 hit")
    await desk.press("enter", "escape")
    await desk.sees("12 of 40")


async def test_what_is_measured_now_is_on_the_chart_without_a_key(desk: Desk) -> None:
    chart = await _open(desk)
    _ahead(desk, 14)  # of the fifteen seconds from one reading to the next
    await desk.other.metrics.send({"service": "shop", "metric_type": "ERROR_RATE", "value": 1.5})
    await desk.sees("ERROR_RATE \u2500")
    assert chart.is_mounted


async def test_a_sample_long_after_the_charts_were_read_is_on_them_and_the_place_can_be_left(desk: Desk) -> None:
    await _open(desk)
    service = desk.app.screen.query_one(ServiceView)
    _ahead(desk, 3600)
    await desk.other.metrics.send({"service": "shop", "metric_type": "ERROR_RATE", "value": 1.5})
    await desk.sees("ERROR_RATE \u2500")
    await desk.press("escape")
    await until(lambda: not service.is_attached)


async def test_m_silences_the_service_and_says_what_that_would_have_been(desk: Desk) -> None:
    await _measured(desk)
    await desk.report("Slow", service="shop")
    await desk.sees("shop")
    await desk.press("M")
    await desk.sees("would have muted 1 of the 1 of the last week, 1 of them open now")
    await desk.press("tab")
    await desk.type("new shop")
    await desk.press("enter")
    await desk.sees("Silenced for 2h")
    (silence,) = (await desk.other.silences.list()).data
    assert (silence.match, silence.reason) == ({"service": ["shop"]}, "new shop")


async def test_eighty_columns_show_one_thing_at_a_time_under_tabs(server: Server) -> None:
    async with desk_over(server, "services", size=(80, 24)) as desk:
        await _open(desk)
        await desk.press("right_square_bracket", "right_square_bracket")
        await desk.sees("No rule looks at it")
        assert max(map(len, desk.frame.splitlines())) <= 80


async def test_text_of_services_cannot_command_the_terminal(desk: Desk) -> None:
    await desk.other.services.add({"name": "shop", "description": "\x1b[2Jgone \u202e"})
    await desk.sees("shop")
    await desk.press("enter")
    await desk.sees("\\e[2Jgone \\u202e")
