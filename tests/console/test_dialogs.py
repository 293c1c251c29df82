from collections.abc import Mapping
from typing import Any

from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import Input

from tests.console.frames import frame_of, sees, until
from trackdesk.widgets.dialogs import ChooseDialog, ConfirmDialog, PromptDialog, TextDialog
from trackdesk.widgets.filter_bar import FilterBar
from trackdesk.widgets.forms import Field, FormDialog
from trackdesk.widgets.glyphs import SEVERITY


class DialogApp(App[None]):
    BINDINGS = [("y,n,x,1", "leak")]

    def __init__(self, dialog: Screen[Any]) -> None:
        super().__init__()
        self.dialog = dialog
        self.answers: list[object] = []
        self.leaked = 0

    def on_mount(self) -> None:
        self.push_screen(self.dialog, self.answers.append)

    def action_leak(self) -> None:
        self.leaked += 1


async def test_a_question_names_its_object_and_only_y_says_yes() -> None:
    app = DialogApp(ConfirmDialog("Delete run nightly-backup/7?", "It is gone for good."))
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(app, "Delete run nightly-backup/7?")
        await pilot.press("x", "enter", "space")
        assert app.answers == []
        await pilot.press("y")
        await until(lambda: app.answers == [True])
        assert app.leaked == 0


async def test_escape_answers_nothing() -> None:
    app = DialogApp(ConfirmDialog("Sure?"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape")
        await until(lambda: app.answers == [None])


async def test_a_prompt_wants_words_and_keeps_its_keys() -> None:
    app = DialogApp(PromptDialog("Comment on INC-42"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await sees(app, "Nothing was typed")
        await pilot.press("n", "y", "enter")
        await until(lambda: app.answers == ["ny"])
        assert app.leaked == 0


async def test_a_choice_is_made_by_its_number_or_by_the_cursor() -> None:
    choices = [(name, mark) for name, mark in SEVERITY.items()]
    app = DialogApp(ChooseDialog("Severity", choices, current="HIGH"))
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(app, "! high")
        await pilot.press("j", "enter")
        await until(lambda: app.answers == ["CRITICAL"])
        app.push_screen(ChooseDialog("Severity", choices), app.answers.append)
        await pilot.press("1")
        await until(lambda: app.answers == ["CRITICAL", "LOW"])


async def test_a_form_says_what_is_wrong_beneath_the_field_and_loses_nothing() -> None:
    async def refuse_once(values: Mapping[str, str]) -> dict[str, str]:
        return {} if values["deadline"] == "30m" else {"deadline": "3 is no duration", "": "not saved"}

    fields = [
        Field("process", "process", hint="nightly-backup", required=True),
        Field("deadline", "deadline"),
        Field("severity", "severity", choices=("LOW", "HIGH")),
    ]
    app = DialogApp(FormDialog("New run", fields, submit=refuse_once))
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.press("enter")
        await sees(app, "is needed: nightly-backup")
        await pilot.press("a", "tab", "3", "tab", "right", "enter")
        await sees(app, "3 is no duration")
        assert "not saved" in frame_of(app)
        await until(lambda: app.screen.focused is app.screen.query(Input)[1])
        await pilot.press("0", "m", "enter")
        await until(lambda: app.answers == [{"process": "a", "deadline": "30m", "severity": "HIGH"}])


async def test_what_stands_in_a_field_is_typed_over() -> None:
    app = DialogApp(FormDialog("Change", [Field("grace", "grace", "5m"), Field("every", "every", "1h")]))
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(app, "5m")
        await pilot.press("9", "m", "tab", "end", "5", "enter")
        await until(lambda: app.answers == [{"grace": "9m", "every": "1h5"}])


async def test_long_text_opens_at_its_end_where_asked() -> None:
    app = DialogApp(TextDialog("Log", "\n".join(f"entry {n}." for n in range(200)), at_end=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(app, "entry 199.")
        await pilot.press("g")
        await sees(app, "entry 0.")
        await pilot.press("q")
        await until(lambda: app.answers == [None])


class FilterApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.closed = 0

    def compose(self) -> ComposeResult:
        yield FilterBar()

    def on_filter_bar_changed(self, message: FilterBar.Changed) -> None:
        self.asked.append(message.expression)

    def on_filter_bar_closed(self) -> None:
        self.closed += 1


async def test_a_filter_is_applied_while_typing_but_not_for_every_key() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 10)) as pilot:
        bar = app.query_one(FilterBar)
        bar.open_bar()
        with_burst = app.query_one(Input)
        for text in ("l", "la", "late"):
            with_burst.value = text
        await until(lambda: app.asked)
        assert app.asked == ["late"]
        bar.say_hits(12)
        await sees(app, "12 hits")
        await pilot.press("enter")
        await until(lambda: app.closed == 1)
        assert bar.expression == "late"
        assert bar.has_class("-open")


async def test_escape_clears_the_filter_and_up_brings_it_back() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 10)) as pilot:
        bar = app.query_one(FilterBar)
        bar.open_bar()
        await pilot.press("a", "enter")
        bar.open_bar()
        await pilot.press("escape")
        await until(lambda: app.asked == ["a", ""])
        bar.open_bar()
        await pilot.press("up")
        await until(lambda: app.asked == ["a", "", "a"])


async def test_a_filter_that_is_not_understood_says_why() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 10)):
        bar = app.query_one(FilterBar)
        bar.open_bar()
        bar.say_error("unknown field 'colour'; there are status, process")
        await sees(app, "✗ unknown field 'colour'")


async def test_a_value_to_edit_is_shown_without_effect_and_kept_as_it_is() -> None:
    evil = "a\x1b[2J\x9b31m\u202eb"
    app = DialogApp(FormDialog("Change incident", [Field("title", "Title", evil)]))
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(app, "a\ufffd[2J\ufffd31m\ufffdb")
        box = app.screen.query_one(Input)
        assert "\x1b" not in box.render_line(0).text
        await pilot.press("end", "!")
        assert box.value == evil + "!"
