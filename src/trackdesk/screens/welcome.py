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
    note("Type one of these in another terminal and watch this screen; n starts a run by hand.")
    note("")
    title("Any command, watched")
    command("trackdesk run nightly-backup --deadline 30m -- ./backup.sh")
    note("")
    title("From a script, by HTTP")
    command(desk.key_words)
    command(f"curl {url}/v1/processes/nightly-backup \\")
    command('     -H "X-API-Key: $TRACKDESK_API_KEY" \\')
    command("     -H 'Content-Type: application/json' -d '{\"deadline\": \"30m\"}'")
    note("")
    title("From Python")
    command("from trackdesk import track")
    command('with track("nightly-backup", deadline="30m") as run:')
    command('    run.log("it begins")')
    note("")
    title("Or look around first")
    command("trackdesk demo        a made-up company at work, in a database of its own")
    return text
