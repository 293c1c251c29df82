import pytest

from tests.console.frame_desk import LIVE, Desk, Runs
from tests.console.frames import frame_of, sees, until
from trackdesk.console.sections import Section
from trackdesk.widgets.glyphs import Toned


async def test_the_frame_says_where_one_is_and_how_live_the_picture_is() -> None:
    app = Desk()
    async with app.run_test(size=(120, 20)):
        await sees(app, "○ connecting")
        app.events.put_nowait(LIVE)
        await sees(app, "● live")
        app.set_counters([Toned("3 open", "fail"), Toned("inbox 4", "run")])
        await sees(app, "3 open · inbox 4")
        lines = frame_of(app).splitlines()
        assert lines[0].startswith(" trackdesk  default  127.0.0.1:8787")
        assert lines[1].startswith(" Runs")
        assert lines[1].rstrip().endswith("2 Runs   4 Incidents")


async def test_the_footer_names_what_can_be_done_here_and_can_be_clicked() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "t take")
        footer = frame_of(app).splitlines()[-1]
        assert "? help" in footer
        assert "m comment" not in footer
        await pilot.click(offset=(footer.index("t take") + 3, 19))
        await until(lambda: app.incidents.taken == ["INC-1"])


def _eight() -> Desk:
    """A console of as many sections as the real one has."""
    app = Desk()
    titles = {"1": "Overview", "3": "Processes", "5": "Services", "6": "Rules", "9": "Inbox", "0": "Admin"}
    more = [Section(key, title.lower(), title, lambda _desk: Runs()) for key, title in titles.items()]
    app.sections = (*app.sections, *more)
    return app


async def test_eighty_columns_show_all_sections_by_name() -> None:
    app = _eight()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        names = frame_of(app).splitlines()[1].split()
        assert {section.title for section in app.sections} <= set(names)


async def test_where_not_all_names_of_sections_have_room_only_the_one_in_sight_has_its_name() -> None:
    app = _eight()
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.press("4", "enter")
        await sees(app, "Incidents \u203a INC-1")
        assert frame_of(app).splitlines()[1].rstrip().endswith("2  4 Incidents  1  3  5  6  9  0")


@pytest.mark.parametrize("size", [(59, 20), (80, 15)])
async def test_a_terminal_that_is_too_small_says_what_is_needed(size: tuple[int, int]) -> None:
    app = Desk()
    async with app.run_test(size=size) as pilot:
        await sees(app, f"needs 60x16, has {size[0]}x{size[1]}")
        await pilot.resize_terminal(80, 24)
        await sees(app, "All runs")


async def test_narrow_terminals_keep_the_state_the_place_and_help() -> None:
    app = Desk()
    async with app.run_test(size=(60, 16)) as pilot:
        app.events.put_nowait(LIVE)
        app.set_counters([Toned("13 open", "fail"), Toned("2 late", "late"), Toned("inbox 4", "run")])
        await pilot.press("4")
        await sees(app, "● live")
        lines = frame_of(app).splitlines()
        assert max(map(len, lines)) <= 60
        assert "13 open" in lines[0]
        assert "Incidents" in lines[1]
        assert "? help" in lines[-1]


async def test_ascii_only_draws_the_whole_screen_in_ascii() -> None:
    app = Desk(ascii_only=True)
    async with app.run_test(size=(100, 20)) as pilot:
        app.events.put_nowait(LIVE)
        await pilot.press("4", "space", "o")
        await sees(app, "* live")
        await sees(app, "1 marked")
        assert frame_of(app).isascii()


async def test_without_colour_the_cursor_is_still_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Desk()
    assert app.no_color
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "▌  incident 1.")
        await pilot.press("space")
        await sees(app, "1 marked")
        styles = {
            segment.text: segment.style
            for strip in app.screen._compositor.render_strips()
            for segment in strip
            if segment.style is not None
        }
        assert not [text for text, style in styles.items() if style.color is not None or style.bgcolor is not None]
        assert any(style.reverse and style.bold for style in styles.values())
        assert any(style.reverse and "◆" in text for text, style in styles.items())
