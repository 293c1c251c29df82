"""What is shown over an empty store: the commands that put data in, with the real address. A key is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from trackdesk.screens.desk import Desk
    from trackdesk.widgets.look import Look


def welcome(desk: Desk, look: Look) -> Text:
    url = desk.client.url
    text = Text()

    def title(words: str) -> None:
        text.append(f"{words}\n", look.role("new", bold=True))

    def note(words: str) -> None:
        text.append(f"{words}\n", look.role("dim"))

    def command(words: str) -> None:
        text.append(f"  {words}\n", look.role("run"))

    title("Nothing has reported here yet.")
    note("Type one of these in another terminal and watch this screen.\n")
    title("Any command, watched")
    command("trackdesk run nightly-backup --deadline 30m -- ./backup.sh")
    note("")
    title("From a script, by HTTP")
    command('curl -X POST -H "X-API-Key: $TRACKDESK_API_KEY" -d \'{"deadline": "30m"}\' \\')
    command(f"     -H 'Content-Type: application/json' {url}/v1/processes/nightly-backup")
    note(f"  {desk.key_words}")
    note("")
    title("From Python")
    command("from trackdesk import track")
    command('with track("nightly-backup", deadline="30m") as run:')
    command('    run.log("it begins")')
    note("")
    text.append("n", look.role("run", bold=True))
    note(" starts a run by hand.  `trackdesk demo` shows a made-up company at work.")
    return text
