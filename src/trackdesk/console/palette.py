"""The palette (`ctrl+p`): the same commands as after `:`, found by any part of their names."""

from textual.command import DiscoveryHit, Hit, Hits, Provider

from trackdesk.console.commands import Command, commands_of
from trackdesk.console.frame import Frame


class CommandProvider(Provider):
    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(_title(command), lambda command=command: command.run(""), help=command.tooltip)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            score = max(matcher.match(_title(command)), 0.5 if query.lower() in command.tooltip.lower() else 0)
            if score > 0:
                shown = matcher.highlight(_title(command))
                yield Hit(score, shown, lambda command=command: command.run(""), help=command.tooltip)

    def _commands(self) -> list[Command]:
        # Typed names that differ only by being shorter would stand here twice.
        frame = self.screen
        return (
            [command for command in commands_of(frame.console, frame) if command.name != "q"]
            if isinstance(frame, Frame)
            else []
        )


def _title(command: Command) -> str:
    return command.name.replace("-", " ")
