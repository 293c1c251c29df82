"""The one table of what keys do. Footer, `?`, palette, `:` commands, the bindings and `docs/keys.md` are made from it.

One row a key, so a key means one thing everywhere. `python -m trackdesk.console.actions` prints the page for the docs.
"""

import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Action:
    id: str
    """The method that does it: `do_take` of the view, or of the frame where `frame` is set."""
    keys: tuple[str, ...]
    """As Textual names them. The first is the one that is shown."""
    label: str
    """One or two words for the footer."""
    tooltip: str
    """A sentence for `?`, the palette and the docs."""
    group: str
    when: tuple[str, ...] = ()
    """The contexts it works in; empty is everywhere."""
    show: int = 0
    """Its place in the footer, 1 first; 0 keeps it out."""
    frame: bool = False
    """The frame itself does it."""
    widget: bool = False
    """The focused widget does it: the frame binds no key for it."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The label in a context where another word is the natural one."""

    def label_in(self, contexts: Iterable[str]) -> str:
        return next((self.labels[context] for context in contexts if context in self.labels), self.label)

    def applies(self, contexts: Iterable[str]) -> bool:
        return not self.when or any(context in self.when for context in contexts)

    @property
    def key(self) -> str:
        """The shown key, as a person knows it."""
        return shown(self.keys[0])


_SHOWN = {
    "enter": "⏎",
    "escape": "esc",
    "space": "space",
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "minus": "-",
    "comma": ",",
    "full_stop": ".",
    "plus": "+",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "down": "↓",
    "up": "↑",
}
_PLAIN = {"⏎": "enter", "↓": "down", "↑": "up"}


def shown(key: str, *, ascii_only: bool = False) -> str:
    """A key as it stands on the keyboard."""
    said = _SHOWN.get(key, key)
    return _PLAIN.get(said, said) if ascii_only else said


MOVE, LIST, WORK, LOG, FIGURES, GO, CONSOLE = "Move", "Lists", "Work", "Logs", "Figures", "Go", "Console"
GROUPS = (WORK, LOG, FIGURES, LIST, MOVE, GO, CONSOLE)
"""What is a place's own comes first, what is the same everywhere last."""

_LIST = ("list",)
_MOVE = ("list", "log")
_RANGE = ("range",)
_CHART = ("chart",)
_MADE = (
    *("run", "incident", "channel", "department", "key", "overview", "process"),
    *("service", "rule", "silence", "maintenance"),
)
_EDITED = ("process", "channel", "department", "key", "service", "rule", "silence", "maintenance")

ACTIONS: tuple[Action, ...] = (
    # -- work: what an operator came for ---------------------------------------------------------------------------
    Action("take", ("t",), "take", "Take the incident: it is yours and triaged.", WORK, ("incident",), 2),
    Action("start", ("s",), "start", "Start work on the incident.", WORK, ("incident",), 3),
    Action(
        "finish",
        ("c",),
        "close",
        "Close the incident; complete the run.",
        WORK,
        ("incident", "run"),
        4,
        labels={"run": "complete"},
    ),
    Action("fail", ("x",), "fail", "End the run as failed.", WORK, ("run",), 5),
    Action("comment", ("m",), "comment", "Write a comment.", WORK, ("incident",), 5),
    Action("reopen", ("o",), "reopen", "Open the closed incident again.", WORK, ("incident",), 4),
    Action("assign", ("a",), "assign", "Give the incident to somebody.", WORK, ("incident",), 6),
    Action("severity", ("plus",), "severity", "Choose another severity.", WORK, ("incident",), 7),
    Action(
        "extend",
        ("e",),
        "extend",
        "Change what is expected: extend the deadline of the run, set the schedule of the process.",
        WORK,
        ("run", "incident", "process"),
        8,
        labels={"process": "expect"},
    ),
    Action("pause", ("p",), "pause", "Pause the process, or resume it when it is paused.", WORK, ("process",), 5),
    Action("new", ("n",), "new", "Make a new one of what is listed; on the Overview, a run.", WORK, _MADE, 6),
    Action("edit", ("E",), "edit", "Change its settings.", WORK, _EDITED, 9),
    Action(
        "switch", ("z",), "on/off", "Switch the channel or the rule off, or on again.", WORK, ("channel", "rule"), 4
    ),
    Action(
        "mute",
        ("M",),
        "silence",
        "Silence what the cursor is on: nobody is told of its incidents for a while.",
        WORK,
        ("service", "rule", "incident", "process"),
        8,
    ),
    Action("attach", ("U",), "attach", "Attach a file to the incident.", WORK, ("incident",)),
    Action("export", ("X",), "post-mortem", "Write the post-mortem of the incident to a file.", WORK, ("incident",)),
    Action("test", ("T",), "test", "Send a test message through the channel.", WORK, ("channel",), 2),
    Action("retry", ("R",), "retry", "Send the delivery again now.", WORK, ("delivery",), 2),
    Action("read", ("i",), "read", "Mark as read, or as unread again.", WORK, ("inbox",), 2),
    Action("read_all", ("I",), "all read", "Mark the whole inbox as read.", WORK, ("inbox",), 3),
    Action("undo", ("u",), "undo", "Take back the last change you made here.", WORK, ("incident", "inbox"), 10),
    Action(
        "all",
        ("A",),
        "act on all",
        "Do one thing to all that the filter matches, after a question.",
        WORK,
        ("incident",),
    ),
    Action(
        "delete",
        ("D",),
        "delete",
        "Delete it, after a question; revoke the key, end the silence.",
        WORK,
        (
            *("incident", "run", "process", "channel", "department", "key"),
            *("rule", "silence", "maintenance"),
        ),
        labels={"key": "revoke", "silence": "end"},
    ),
    # -- lists -----------------------------------------------------------------------------------------------------
    Action("open", ("enter",), "open", "Open what the cursor is on.", LIST, ("list", "grid"), 1, widget=True),
    Action("filter", ("slash",), "filter", "Filter as you type; esc clears, enter keeps.", LIST, _LIST, 11),
    Action(
        "mark", ("space",), "mark", "Mark the row; actions then are about all marked ones.", LIST, _LIST, widget=True
    ),
    Action("mark_range", ("v",), "mark range", "Mark from here to where you go next.", LIST, _LIST, widget=True),
    Action("sort_before", ("less_than_sign",), "sort before", "Sort by the column before.", LIST, _LIST, widget=True),
    Action("sort_next", ("greater_than_sign",), "sort next", "Sort by the next column.", LIST, _LIST, widget=True),
    Action("reverse", ("S",), "reverse", "Turn the sort around.", LIST, _LIST, widget=True),
    Action("copy", ("y",), "copy id", "Copy the id.", LIST, ("list", "incident", "run", "delivery"), 12),
    Action(
        "copy_as",
        ("Y",),
        "copy as",
        "Copy it as JSON, or as the curl that does the same.",
        LIST,
        ("list", "incident", "run"),
    ),
    Action("refresh", ("r",), "refresh", "Read everything shown here again.", LIST, (), 0),
    # -- movement --------------------------------------------------------------------------------------------------
    Action("down", ("j", "down"), "down", "One line down.", MOVE, _MOVE, widget=True),
    Action("up", ("k", "up"), "up", "One line up.", MOVE, _MOVE, widget=True),
    Action("first", ("g", "home"), "first", "To the first line.", MOVE, _MOVE, widget=True),
    Action("last", ("G", "end"), "last", "To the last line.", MOVE, _MOVE, widget=True),
    Action("half_down", ("ctrl+d",), "half down", "Half a page down.", MOVE, _MOVE, widget=True),
    Action("half_up", ("ctrl+u",), "half up", "Half a page up.", MOVE, _MOVE, widget=True),
    Action("page_down", ("pagedown",), "page down", "A page down.", MOVE, _MOVE, widget=True),
    Action("page_up", ("pageup",), "page up", "A page up.", MOVE, _MOVE, widget=True),
    Action("pane", ("tab",), "next pane", "To the next pane; with shift to the one before.", MOVE, (), widget=True),
    # -- logs ------------------------------------------------------------------------------------------------------
    Action(
        "follow",
        ("f",),
        "follow",
        "Follow the end of the log or of the chart, or hold still.",
        LOG,
        ("log", "chart"),
        9,
    ),
    Action("level", ("l",), "level", "Show only lines of the next level and above.", LOG, ("log",), 10),
    # -- figures ---------------------------------------------------------------------------------------------------
    Action(
        "shorter", ("comma",), "shorter", "Figures of a shorter time: 90 days down to one hour.", FIGURES, _RANGE, 12
    ),
    Action(
        "longer", ("full_stop",), "longer", "Figures of a longer time: one hour up to 90 days.", FIGURES, _RANGE, 13
    ),
    Action("earlier", ("H",), "earlier", "Show what was half as long before, at the same length.", FIGURES, _CHART),
    Action("later", ("L",), "later", "Show what came half as long after, up to the present.", FIGURES, _CHART),
    Action(
        "left",
        ("left",),
        "read back",
        "One step back with the line that charts are read at; among tiles, one to the left.",
        FIGURES,
        ("chart", "grid"),
    ),
    Action(
        "right",
        ("right",),
        "read on",
        "One step on with the line that charts are read at; among tiles, one to the right.",
        FIGURES,
        ("chart", "grid"),
    ),
    Action(
        "group",
        ("b",),
        "by",
        "Figures by process, or by the values of a tag; of a rule, by service.",
        FIGURES,
        ("figures", "rule"),
        7,
    ),
    # -- going places ----------------------------------------------------------------------------------------------
    Action("previous_tab", ("left_square_bracket",), "tab before", "To the tab before.", GO, ("tabs",)),
    Action("next_tab", ("right_square_bracket",), "next tab", "To the next tab.", GO, ("tabs",)),
    Action(
        "about",
        ("w",),
        "go to",
        "Go to what it is about: the run, service or rule of an incident, the incident of a notification, all runs of "
        "a process, the service of a rule.",
        GO,
        ("incident", "inbox", "delivery", "process", "rule"),
        9,
        labels={"process": "all runs", "rule": "service"},
    ),
    Action("last_place", ("minus",), "last place", "To the section you were in before.", GO, frame=True),
    Action("back", ("escape", "q"), "back", "Leave the filter, clear the marks, go back.", GO, frame=True),
    # -- the console itself ----------------------------------------------------------------------------------------
    Action(
        "command",
        ("colon",),
        "command",
        "Type a command; tab completes, the arrows recall.",
        CONSOLE,
        (),
        21,
        frame=True,
    ),
    Action("help", ("question_mark",), "help", "What every key does here.", CONSOLE, (), 22, frame=True),
    Action("palette", ("ctrl+p",), "palette", "Find a command by any part of its name.", CONSOLE, frame=True),
    Action("hold", ("P",), "hold", "Hold the screen still; what changes is shown when you go on.", CONSOLE, frame=True),
    Action("quit", ("ctrl+q",), "quit", "Leave. Asks only when something is not done yet.", CONSOLE, frame=True),
)

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

LOCAL_IN_FOOTER = 8
"""Keys of the place itself in the footer; those of the console come after them."""


def applying(contexts: Sequence[str]) -> list[Action]:
    """The actions of a place with these contexts, in the order of the table."""
    return [action for action in ACTIONS if action.applies(contexts)]


def footer(offered: Iterable[Action], refused: Container[str] = ()) -> list[Action]:
    """What the footer shows of the actions a place offers: at most eight of the place, then those of the console. Those
    `refused`, by their ids, are left out first."""
    held = sorted((action for action in offered if action.show), key=lambda action: action.show)
    local = [action for action in held if not action.frame]
    chosen = sorted(local, key=lambda action: action.id in refused)[:LOCAL_IN_FOOTER]
    return [action for action in held if action.frame or action in chosen]


def keys_markdown(sections: Sequence[tuple[str, str]] = ()) -> str:
    """The page of all keys for the docs. `sections` are (key, title) of the sections on the number keys."""
    lines = [
        "# Keys of the console",
        "",
        "A key means one thing everywhere. `?` shows those that work where you are.",
        "Made by `python -m trackdesk.console.actions`.",
        "",
    ]
    for group in GROUPS:
        lines += [f"## {group}", "", "| key | does | works in |", "|---|---|---|"]
        if group == GO:
            lines.append(
                "| `1` … `9`, `0` | To the section of that number; the line under the header names them. | everywhere |"
            )
            lines += [f"| `{key}` | {title} | everywhere |" for key, title in sections]
        for action in ACTIONS:
            if action.group == group:
                keys = " ".join(f"`{shown(key)}`" for key in action.keys)
                lines.append(f"| {keys} | {action.tooltip} | {', '.join(action.when) or 'everywhere'} |")
        lines.append("")
    lines.append(
        "With the mouse: a click selects, a double click opens, a click on a column's title sorts by it, and the"
    )
    lines.append("keys in the last line can be clicked.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(keys_markdown())
