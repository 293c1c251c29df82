from pathlib import Path

from textual.widget import Widget

from trackdesk.console import actions
from trackdesk.console.actions import ACTIONS, GROUPS
from trackdesk.screens.ranges import RangeLine
from trackdesk.widgets.live_table import LiveTable
from trackdesk.widgets.log_view import LogView
from trackdesk.widgets.tab_line import TabLine

KEYS_PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def test_a_key_means_one_thing_everywhere() -> None:
    keys = [key for action in ACTIONS for key in action.keys]
    assert sorted(keys) == sorted(set(keys))
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)


def test_number_keys_are_left_to_the_sections() -> None:
    assert not any(key.isdigit() for action in ACTIONS for key in action.keys)


def test_every_action_says_in_a_sentence_what_it_does() -> None:
    for action in ACTIONS:
        assert action.tooltip.endswith("."), action.id
        assert action.label, action.id
        assert (action.label + action.tooltip).isascii(), action.id
        assert action.group in GROUPS, action.id


def test_keys_of_lists_and_logs_are_bound_by_the_widgets_as_the_table_says() -> None:
    told = {key for action in ACTIONS for key in action.keys if action.widget or action.group == actions.LOG}
    bound = _bound(LiveTable) | _bound(LogView)
    assert bound == told - {"tab"}


def test_the_footer_shows_at_most_eight_keys_of_the_place_and_help_always() -> None:
    shown = actions.footer(actions.applying(("incident", "run", "list", "log", "inbox")))
    assert len([action for action in shown if not action.frame]) == 8
    assert shown[-1].id == "help"
    assert shown[0].id == "open"


def test_what_can_do_nothing_now_makes_room_in_the_footer() -> None:
    offered = actions.applying(("incident", "list"))
    assert "severity" not in [action.id for action in actions.footer(offered)]
    assert "severity" in [action.id for action in actions.footer(offered, {"take"})]


def test_the_same_key_is_called_what_it_does_to_the_thing_in_sight() -> None:
    finish = actions.BY_ID["finish"]
    assert finish.label_in(("incident", "list")) == "close"
    assert finish.label_in(("run",)) == "complete"


def test_lines_of_tabs_say_the_keys_of_the_table() -> None:
    for line, pair in ((TabLine, ("previous_tab", "next_tab")), (RangeLine, ("shorter", "longer"))):
        assert line.HINT.startswith(" and ".join(actions.BY_ID[name].key for name in pair))


def test_the_page_of_keys_in_the_docs_is_fresh() -> None:
    assert KEYS_PAGE.read_text() == actions.keys_markdown(), "run: python -m trackdesk.console.actions > docs/keys.md"


def _bound(widget: type[Widget]) -> set[str]:
    # The table's bindings are declared on the class that has its hands.
    return {
        key.strip()
        for kind in widget.__mro__
        if kind.__module__.startswith("trackdesk")
        for binding in kind.__dict__.get("BINDINGS", ())
        for key in binding.key.split(",")
    }
