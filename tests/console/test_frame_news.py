from tests.console.frame_desk import LIVE, Desk, Event
from tests.console.frames import sees, until
from trackdesk.widgets.view import Changed


async def test_news_reach_the_visible_view_and_a_hidden_one_when_it_is_seen_again() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        app.events.put_nowait(Event("incidents", "INC-1"))
        app.events.put_nowait(Event("runs", "x"))
        await until(lambda: app.incidents.news == [Changed("incidents", frozenset({"INC-1"}))])
        await pilot.press("2")
        await sees(app, "All runs")
        app.events.put_nowait(Event("incidents", "INC-2"))
        before = app.epoch
        await until(lambda: app.epoch > before)
        assert len(app.incidents.news) == 1
        await pilot.press("4")
        await until(lambda: app.incidents.news[1:] == [Changed("*", resync=True)])


async def test_a_cleanup_has_every_list_read_again() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        app.events.put_nowait(Event("cleanup", "everything"))
        await until(lambda: app.incidents.news == [Changed("*", resync=True)])


async def test_paused_the_screen_is_told_nothing_until_it_goes_on() -> None:
    app = Desk()
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.press("4")
        await sees(app, "incident 1.")
        app.events.put_nowait(LIVE)
        await until(lambda: app.incidents.news)
        app.incidents.news.clear()
        await pilot.press("P")
        app.events.put_nowait(Event("incidents", "INC-1"))
        await sees(app, "‖ paused, 1 change held")
        assert app.incidents.news == []
        await pilot.press("P")
        await until(lambda: app.incidents.news == [Changed("incidents", frozenset({"INC-1"}))])


async def test_a_feed_that_dies_does_not_call_the_picture_live() -> None:
    app = Desk()
    async with app.run_test(size=(100, 20)):
        app.events.put_nowait(LIVE)
        await sees(app, "● live")
        app.events.put_nowait(None)  # type: ignore[arg-type]
        await sees(app, "✗ offline")
        await sees(app, "The live feed broke")
