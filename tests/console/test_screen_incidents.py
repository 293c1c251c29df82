from __future__ import annotations

from typing import TYPE_CHECKING

from tests.console.frames import until
from tests.console.triage_desk import desk_over

if TYPE_CHECKING:
    from tests.console.triage_desk import Desk
    from trackdesk.runtime import Server

SECTION = "incidents"


async def test_without_incidents_it_says_that_nothing_needs_anybody(desk: Desk) -> None:
    await desk.sees("No incident is open: nothing needs you now")


async def test_an_incident_appears_by_itself_and_says_how_it_stands(desk: Desk) -> None:
    await desk.sees("No incident is open")
    await desk.report("the printer burns", severity="CRITICAL")
    await desk.sees("the printer burns")
    line = desk.line("the printer burns")
    assert "✗ critical" in line
    assert "● open" in line
    assert "nobody" in line


async def test_the_most_severe_stand_first(desk: Desk) -> None:
    for title, severity in (("a squeak", "LOW"), ("a fire", "CRITICAL"), ("a leak", "HIGH")):
        await desk.report(title, severity=severity)
    await desk.sees("a leak")
    await until(lambda: desk.frame.find("a fire") < desk.frame.find("a leak") < desk.frame.find("a squeak"))


async def test_t_makes_it_mine_and_triaged(desk: Desk) -> None:
    incident = await desk.report("the printer burns")
    await desk.sees("the printer burns")
    await desk.press("t")
    await desk.sees(f"{incident.ref} taken")
    assert (await desk.becomes(incident, assignee="ada", status="TRIAGED")).triaged_at is not None
    await desk.sees("◐ triaged")


async def test_s_c_and_o_lead_through_its_life(desk: Desk) -> None:
    incident = await desk.report("the printer burns")
    await desk.sees("the printer burns")
    await desk.press("s")
    await desk.becomes(incident, status="IN_PROGRESS")
    await desk.sees("▶ in work")
    await desk.press("c")
    await desk.becomes(incident, status="CLOSED")
    await desk.misses("the printer burns")
    await desk.press("right_square_bracket", "right_square_bracket")
    await desk.sees("✓ closed")
    await desk.press("o")
    await desk.becomes(incident, status="OPEN")


async def test_what_cannot_be_done_now_says_why(desk: Desk) -> None:
    await desk.press("t")
    await desk.sees("t take: there is no incident here")
    incident = await desk.report("the printer burns")
    await desk.sees("the printer burns")
    await desk.press("o")
    await desk.sees(f"o reopen: {incident.ref} is not closed")
    await desk.press("e")
    await desk.sees(f"e extend: {incident.ref} is about no run")
    await desk.press("u")
    await desk.sees("u undo: there is nothing to take back here")


async def test_u_takes_back_the_last_change(desk: Desk) -> None:
    incident = await desk.report("the printer burns")
    await desk.sees("the printer burns")
    await desk.press("t")
    await desk.sees("◐ triaged")
    await desk.press("c")
    await desk.becomes(incident, status="CLOSED")
    await desk.press("u")
    await desk.becomes(incident, status="TRIAGED", assignee="ada")
    await desk.sees(f"Taken back: {incident.ref} closed")
    await desk.press("u")
    await desk.becomes(incident, status="OPEN", assignee=None)


async def test_it_can_be_given_to_somebody_by_name(desk: Desk) -> None:
    incident = await desk.report("the printer burns")
    await desk.sees("the printer burns")
    await desk.press("a")
    await desk.sees("somebody else…")
    await desk.press("2")
    await desk.sees("a name")
    await desk.type("kim")
    await desk.press("enter")
    await desk.becomes(incident, assignee="kim")
    await desk.sees("with kim")


async def test_another_severity_is_chosen_from_a_list(desk: Desk) -> None:
    incident = await desk.report("the printer burns")
    await desk.sees("the printer burns")
    await desk.press("plus")
    await desk.sees("Severity of")
    await desk.press("1")
    await desk.becomes(incident, severity="CRITICAL")


async def test_marked_ones_are_closed_together_after_a_question(desk: Desk) -> None:
    incidents = [await desk.report(f"complaint {number}") for number in range(3)]
    await desk.sees("complaint 2")
    await desk.sees("complaint 0")
    await desk.press("g", "space", "space", "c")
    await desk.sees("Close 2 incidents?")
    await desk.press("y")
    await desk.sees("2 closed")
    await desk.becomes(incidents[2], status="CLOSED")
    await desk.becomes(incidents[1], status="CLOSED")
    assert (await desk.other.incidents.get(incidents[0].id)).status == "OPEN"
    await desk.press("u")
    await desk.becomes(incidents[2], status="OPEN")
    await desk.becomes(incidents[1], status="OPEN")


async def test_all_that_the_filter_matches_are_taken_and_those_that_need_it_not_left_alone(desk: Desk) -> None:
    fires = [await desk.report(f"fire {number}") for number in range(3)]
    squeak = await desk.report("squeak")
    await desk.other.incidents.patch(fires[0].id, {"status": "TRIAGED", "assignee": "ada"})
    await desk.sees("squeak")
    await desk.press("slash")
    await desk.type("fire")
    await desk.press("enter")
    await desk.sees("3 hits")
    await desk.misses("squeak")
    await desk.press("A")
    await desk.sees("What to do with the 3 that match /fire")
    await desk.press("1")
    await desk.sees("Take 2 incidents?")
    await desk.sees("1 of those chosen need it no more and are left alone")
    await desk.press("y")
    await desk.sees("2 taken, 1 left alone")
    for fire in fires:
        await desk.becomes(fire, assignee="ada", status="TRIAGED")
    assert (await desk.other.incidents.get(squeak.id)).assignee is None


async def test_a_status_in_the_filter_is_not_narrowed_by_the_tab(desk: Desk) -> None:
    incident = await desk.report("an old story")
    await desk.other.incidents.patch(incident.id, {"status": "CLOSED"})
    await desk.sees("No incident is open")
    await desk.press("slash")
    await desk.type("status:closed")
    await desk.sees("an old story")


async def test_a_filter_that_is_not_understood_says_where(desk: Desk) -> None:
    await desk.report("the printer burns")
    await desk.sees("the printer burns")
    desk.app.visit("incidents", "colour:red")
    await desk.sees("✗ ")
    assert "the printer burns" in desk.frame


async def test_a_list_gone_to_with_words_that_are_no_filter_shows_all(desk: Desk) -> None:
    await desk.other.runs.start("import")
    await desk.sees("No incident is open")
    desk.app.visit("processes", "colour:red")
    await desk.sees("✗ ")
    await desk.sees("import")


async def test_the_tab_of_mine_shows_what_is_with_me(desk: Desk) -> None:
    mine = await desk.report("my printer burns")
    await desk.report("another printer burns")
    await desk.other.incidents.patch(mine.id, {"assignee": "ada"})
    await desk.sees("another printer burns")
    await desk.press("right_square_bracket")
    await desk.misses("another printer burns")
    await desk.sees("my printer burns")


async def test_n_reports_one_and_says_beneath_the_field_what_is_wrong(desk: Desk) -> None:
    await desk.press("n")
    await desk.sees("Report an incident")
    await desk.type("leak")
    await desk.press("tab", "tab", "tab")
    await desk.type("nosuch")
    await desk.press("enter")
    await desk.sees("expected a process that exists")
    await desk.press(*["backspace"] * 6, "enter")
    await desk.misses("Report an incident")
    await desk.sees("● open")
    assert [each.title for each in (await desk.other.incidents.list()).data] == ["leak"]


async def test_what_somebody_else_changed_meanwhile_is_shown_and_read_again(desk: Desk) -> None:
    incident = await desk.report("the printer burns")
    await desk.sees("the printer burns")
    # Held still, the screen shows an older version than there is.
    await desk.press("P")
    await desk.other.incidents.patch(incident.id, {"assignee": "kim"})
    await desk.press("t")
    await desk.sees("Somebody else changed it meanwhile")
    await desk.sees("kim@home")
    await desk.press("y")
    await until(lambda: "kim" in desk.line("the printer burns"))
    assert (await desk.other.incidents.get(incident.id)).status == "OPEN"


async def test_a_reporter_may_comment_but_not_take(server: Server) -> None:
    async with desk_over(server, "incidents", role="REPORTER") as desk:
        incident = await desk.report("the printer burns")
        await desk.sees("the printer burns")
        await desk.press("t")
        await desk.sees("t take: the key 'a REPORTER' is REPORTER and may not change things")
        await desk.press("m")
        await desk.sees("Comment on")
        await desk.type("seen")
        await desk.press("enter")
        await desk.sees(f"{incident.ref} commented on")
        assert [each.content for each in (await desk.other.comments.list(incident.id)).data] == ["seen"]


async def test_everything_has_its_place_on_eighty_columns(server: Server) -> None:
    async with desk_over(server, "incidents", size=(80, 24)) as desk:
        await desk.report("the printer in the cellar burns and nobody is there to see it")
        await desk.sees("the printer in the")
        line = desk.line("the printer in the")
        assert all(word in line for word in ("? medium", "INC-", "● open", "nobody"))
        assert all(len(line) <= 80 for line in desk.frame.splitlines())


async def test_text_from_outside_cannot_command_the_terminal(desk: Desk) -> None:
    await desk.report("red \x1b[31malert\x07")
    await desk.sees("red \\e[31malert\\x07")
