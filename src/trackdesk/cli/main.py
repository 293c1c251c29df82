"""`trackdesk VERB …`: finds the verb, loads only its module, and gives an exit code for whatever goes wrong."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from trackdesk.cli import exits
from trackdesk.cli.verbs import BY_NAME, DEFAULT, VERBS, Verb

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

_WITH_VALUE = frozenset(
    {"--url", "--api-key-file", "--data-dir", "--namespace", "--host", "--port", "--log-level", "--theme"}
)
"""Flags that may stand before the verb, or without any, and take the word after them along."""

_EXAMPLES = """\
  trackdesk demo                                      look around in a made-up company
  trackdesk                                           open the console, with the server inside
  trackdesk run backup --deadline 30m -- ./backup.sh  have a job watched"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb; gives the exit code."""
    _open_what_is_closed()
    _say_what_the_stream_can()
    words = list(sys.argv[1:] if argv is None else argv)
    leading = _leading(words)
    rest = words[leading:]
    if not rest and any(word in {"-h", "--help"} for word in words):
        return _guarded(_print_overview)
    if words[:1] in (["--version"], ["-V"]):
        rest, leading = ["version", *words[1:]], 0
    name = rest[0] if rest else DEFAULT
    if name == "help":
        return main([*rest[1:2], "--help"])
    verb = BY_NAME.get(name)
    if verb is None:
        return _unknown(name)
    return _run(verb, [*words[:leading], *rest[1:]])


def _leading(words: list[str]) -> int:
    """How many words stand before the verb: flags that every verb takes may be there too."""
    index = 0
    while index < len(words) and words[index].startswith("-") and words[index] != "--":
        index += 2 if words[index] in _WITH_VALUE else 1
    return min(index, len(words))


def build_parser(verb: Verb) -> argparse.ArgumentParser:
    """The verb's own parser. Loads its module."""
    import argparse

    from trackdesk.cli.common import add_common, terminal_width
    from trackdesk.cli.parser import Parser

    usage = f"trackdesk {verb.name} [flags] NAME -- COMMAND…" if verb.takes_command else None
    width = terminal_width()
    parser = Parser(
        f"trackdesk {verb.name}",
        usage=usage,
        allow_abbrev=False,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=width),
    )
    parser.description = verb.help[0].upper() + verb.help[1:] + "."
    verb.load().add_arguments(parser)
    add_common(parser)
    return parser


def _run(verb: Verb, words: list[str]) -> int:
    command: list[str] | None = None
    if verb.takes_command and "--" in words:
        cut = words.index("--")
        words, command = words[:cut], words[cut + 1 :]
    parser = build_parser(verb)
    try:
        args = parser.parse_args(_values_with_minus(words))
        if verb.takes_command and not command:
            parser.error("put the command after --, as in: trackdesk run nightly-backup -- ./backup.sh")
    except SystemExit as ending:  # argparse has said what there is to say
        return int(ending.code or 0)
    args.command = command
    return _guarded(lambda: verb.load().run(args))


def _values_with_minus(words: list[str]) -> list[str]:
    """`--deadline -5m` as `--deadline=-5m`: argparse would take the value for a flag, and not say what is accepted."""
    joined: list[str] = []
    for word in words:
        value = word[:1] == "-" and word[1:2].isdigit()
        if value and joined and joined[-1].startswith("--") and joined[-1] != "--" and "=" not in joined[-1]:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _guarded(work: Callable[[], int]) -> int:
    """What `work` gives, or an exit code and a sentence for what goes wrong, also while its output is written."""
    try:
        code = work()
        sys.stdout.flush()
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        _write_no_more()
        return exits.PIPE_CLOSED
    except Exception as error:
        from trackdesk.cli.common import complain

        known = exits.explain(error)
        if known is None:
            raise
        complain(known[1])
        try:
            sys.stdout.flush()
        except OSError:  # said just now
            _write_no_more()
        return known[0]
    return code


def _write_no_more() -> None:
    """Whoever took our output has gone, or is full; Python would complain about it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_overview() -> int:
    print(overview())
    return exits.OK


def _say_what_the_stream_can() -> None:
    """A locale without a character that is printed shows another in its place: no reason to fail."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def _open_what_is_closed() -> None:
    """Python leaves out what was closed at the start (`>&-`), and the next file or socket opened would take its number:
    what is printed would go there."""
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(number)
        sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
        sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
        sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _unknown(name: str) -> int:
    from difflib import get_close_matches

    near = get_close_matches(name, BY_NAME, n=1, cutoff=0.5)
    hint = f" Did you mean `trackdesk {near[0]}`?" if near else ""
    print(f"trackdesk: there is no verb {name!r}.{hint} `trackdesk --help` lists all.", file=sys.stderr)
    return exits.USAGE


def overview() -> str:
    """The help of the whole, for someone who sees it for the first time."""
    parts = ["trackdesk watches work that runs unattended: deadlines, incidents, and who is told.", "", _EXAMPLES]
    for group in dict.fromkeys(verb.group for verb in VERBS):
        parts += ["", f"{group}:"]
        parts += [f"  {verb.name:<12}{verb.help}" for verb in VERBS if verb.group == group]
    parts += [
        "",
        "Everywhere (`trackdesk VERB --help` tells the rest):",
        "  --url URL            the server to talk to; the local one when absent",
        "  --api-key-file FILE  the key to talk with; the local owner key when absent",
        "  --data-dir DIR       where database, attachments, keys and logs live",
        "  --namespace NAME     the namespace to work in",
        "  --json, --quiet      data as JSON; no talk on stderr",
        "",
        "Exit codes:",
        *(f"  {code}  {meaning}" for code, meaning in exits.MEANINGS),
        "  `trackdesk run` passes on its command's exit code: 128+N when signal N ended it, 127 or 126 when it",
        "  couldn't be started.",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
