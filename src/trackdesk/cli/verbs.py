"""The one table of verbs. Help and completion are made of it; a verb's module is loaded when the verb is used."""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    import argparse

REPORT = "Report from jobs"
WATCH = "Watch and triage"
RUN_IT = "Run the server"
SETUP = "Set up and look after"


class VerbModule(Protocol):
    """What a verb's module has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


class Verb(NamedTuple):
    """`takes_command`: what follows `--` is somebody else's command line, found in `args.command`."""

    name: str
    group: str
    help: str
    takes_command: bool = False

    def load(self) -> VerbModule:
        name = f"{self.name}_" if iskeyword(self.name) else self.name
        return cast("VerbModule", import_module(f"trackdesk.cli.{name}"))


VERBS: tuple[Verb, ...] = (
    Verb("run", REPORT, "run a command and report how it went", takes_command=True),
    Verb("start", REPORT, "start a run and print its uid"),
    Verb("complete", REPORT, "end a run, well or not"),
    Verb("log", REPORT, "add lines to a run's log"),
    Verb("ingest", REPORT, "send lines of JSON: starts, logs and ends of many runs"),
    Verb("ping", REPORT, "say that a job started, went well or failed"),
    Verb("metric", REPORT, "record samples of what a service measures, draw them"),
    Verb("console", WATCH, "open the console (as plain `trackdesk` does)"),
    Verb("attach", WATCH, "open the console over another server"),
    Verb("demo", WATCH, "open the console over a made-up company at work"),
    Verb("runs", WATCH, "list runs, show one"),
    Verb("processes", WATCH, "list processes: how they stand, when they are expected"),
    Verb("process", WATCH, "show a process, set what is expected of it, pause it"),
    Verb("stats", WATCH, "how runs went over time, with charts; which tags hold the problems"),
    Verb("incidents", WATCH, "list incidents; show, take, close, comment one"),
    Verb("services", WATCH, "list services and how well they are, show one"),
    Verb("rules", WATCH, "list rules; show, add, set, try, enable, disable, delete one"),
    Verb("silence", WATCH, "tell nobody about something for a while; list, preview and end silences"),
    Verb("maintenance", WATCH, "list, add and delete maintenance windows"),
    Verb("serve", RUN_IT, "run the server without the console"),
    Verb("backup", RUN_IT, "copy the database while it is in use"),
    Verb("restore", RUN_IT, "put a backup in the database's place"),
    Verb("export", RUN_IT, "write the whole database as lines of JSON"),
    Verb("import", RUN_IT, "make a database of an export, or take over from another tool"),
    Verb("cleanup", RUN_IT, "delete what is old, and give the disk its room back"),
    Verb("doctor", RUN_IT, "say what is wrong here and how to mend it"),
    Verb("key", SETUP, "make, list and revoke keys"),
    Verb("channel", SETUP, "make, list and test channels"),
    Verb("department", SETUP, "make and list departments"),
    Verb("apply", SETUP, "set up departments, processes, rules and channels from files"),
    Verb("config", SETUP, "show every setting and where it comes from"),
    Verb("openapi", SETUP, "print the API's OpenAPI document"),
    Verb("completion", SETUP, "print the completion script for a shell"),
    Verb("version", SETUP, "print the version"),
)
BY_NAME = {verb.name: verb for verb in VERBS}
DEFAULT = "console"
