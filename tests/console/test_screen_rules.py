from __future__ import annotations

from typing import TYPE_CHECKING

from tests.console.frames import until
from tests.console.triage_desk import desk_over
from trackdesk.screens.muting import match_of, words_of
from trackdesk.widgets.time_chart import TimeChart

if TYPE_CHECKING:
    from tests.console.triage_desk import Desk
    from trackdesk.runtime import Server

SECTION = "rules"
SLOW = {"id": "slow", "metric_type": "LATENCY_MS", "operator": ">", "threshold": 90}


async def _measured(desk: Desk, *values: float) -> None:
    now = desk.app.now() // 1_000_000
    samples = [
        {"service": "shop", "metric_type": "LATENCY_MS", "value": value, "recorded_at": now - 60 * at - 60}
        for at, value in enumerate(values)
    ]
    await desk.other.metrics.send(list(reversed(samples)))


async def _watch(desk: Desk, *values: float) -> None:
    """A rule, and samples of what it looks at."""
    await desk.other.rules.add(SLOW)
    if values:
        await _measured(desk, *values)
    await desk.sees("\u2717 firing" if values else "LATENCY_MS > 90")


async def _new(desk: Desk, tab: int, empty: str) -> None:
    """The form of a new one of what the tab of that number lists."""
    await desk.press(*["right_square_bracket"] * tab)
    await desk.sees(empty)
    await desk.press("n")


async def test_z_switches_a_rule_off_and_on_again(desk: Desk) -> None:
    await _watch(desk)
    await desk.press("z")
    await desk.sees("\u2016 off")
    assert not (await desk.other.rules.get("slow")).enabled
    await desk.press("z")
    await desk.sees("slow is on")


async def test_the_form_says_what_the_rule_would_have_done_and_saves_nothing_before_enter(desk: Desk) -> None:
    await _measured(desk, 50, 150, 50)
    await _new(desk, 0, "No rule watches the metrics yet")
    await desk.sees("A new rule")
    await desk.fill("", "LATENCY_MS", "", "", "200")
    await desk.sees("would never have fired")
    await desk.press("backspace", "backspace", "backspace")
    await desk.type("100")
    await desk.sees("would have opened 1 incident")
    assert (await desk.other.rules.list()).data == []
    await desk.press("enter")
    await desk.sees("Made ")
    (rule,) = (await desk.other.rules.list()).data
    assert (rule.metric_type, rule.threshold) == ("LATENCY_MS", 100)


async def test_the_form_says_beneath_a_field_what_is_wrong_with_it(desk: Desk) -> None:
    await _watch(desk)
    await desk.press("E")
    await desk.sees("Rule slow")
    await desk.fill("x", "", "", "x")
    await desk.sees("expected a number")
    await desk.sees("expected 1 to 64 of A-Z 0-9 _, a letter first")


async def test_a_rule_shows_its_chart_with_the_threshold_and_its_incidents(desk: Desk) -> None:
    await desk.other.rules.add({**SLOW, "recover_threshold": 70})
    await _measured(desk, 150, 150)
    await desk.sees("\u2717 firing")
    await desk.press("enter")
    await desk.sees("Its incidents \u2500 1")
    chart = desk.app.screen.query_one(TimeChart)
    await until(lambda: chart.measured is not None)
    assert chart.measured is not None
    assert chart.measured.thresholds == [("threshold", 90.0), ("well again", 70.0)]
    await desk.press("enter")
    await desk.sees("Rules \u203a slow \u203a INC-1")


async def test_delete_asks_and_says_what_becomes_of_its_incidents(desk: Desk) -> None:
    await _watch(desk, 150)
    await desk.delete("Its 1 open incidents stay open.")
    await desk.sees("Deleted slow")


async def test_the_rules_that_fired_most_have_a_tab(desk: Desk) -> None:
    await _watch(desk, 150)
    await desk.press("right_square_bracket")
    await desk.sees("Rules that fired most in the last 7 days")
    await desk.sees("slow")


async def test_a_silence_is_made_changed_and_ended_by_keys(desk: Desk) -> None:
    await _new(desk, 2, "Nothing is silenced")
    await desk.sees("A new silence")
    await desk.fill("", "patching", "service=shop severity=low")
    await desk.sees("would have muted none of the 0 incidents")
    await desk.press("enter")
    await desk.sees("\u2016 silent")
    await desk.press("enter")
    await desk.sees("Silence 1: service=shop severity=LOW")
    await desk.press("escape")
    await desk.delete("End the silence of service=shop severity=LOW?")
    await desk.sees("\u2713 over")


async def test_maintenance_shows_its_next_windows_before_it_is_saved(server: Server) -> None:
    async with desk_over(server, "rules", size=(80, 24)) as desk:
        await _new(desk, 3, "No maintenance is planned")
        await desk.fill("patching", "updates", "shop", "", "0 2 * * sun", "", "2h")
        await desk.sees("the next windows by this clock")
        await desk.press("enter")
        await desk.sees("\u25cb to come")
        assert (await desk.other.maintenance.list()).data[0].name == "patching"


def test_matchers_are_read_as_they_are_said() -> None:
    match = {"service": ["a shop", "crm*"], "severity": ["LOW"], "tag": {"env": ["test", "it's"]}}
    assert match_of(words_of(match)) == match
