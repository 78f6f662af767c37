"""Which words of ``opsrun exec`` are ours, and which are the command's.

click reads options wherever they stand, so that ``opsrun exec ls -l /tmp --hosts web`` would take
``/tmp`` for a limit. As with ssh, what follows the command's first word is the command's; a short
list of long options is still ours there, because that is how people type it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from opsrun.errors import UsageError

STILL_OURS = frozenset(
    {
        *("--hosts", "--inventory", "--limit", "--output", "--forks", "--user", "--become"),
        *("--when-ready", "--ready-timeout", "--then-wait", "--then-timeout"),
        *("--canary", "--health"),
    }
)
"""Long options that are opsrun's also after the command's first word."""


@dataclass(frozen=True, slots=True)
class Words:
    """A command line, taken apart."""

    options: tuple[str, ...]
    """Ours, with their values, in the order in which they stood."""
    command: tuple[str, ...]
    """The command's words, in their order."""


def split_words(args: Sequence[str], takes_value: Mapping[str, bool]) -> Words:
    """Tell our options from the command's words.

    Before the first word of the command every option is ours. After it: the options of
    `STILL_OURS` are ours, any other long option of ours is an error, and the rest is the command's.
    ``--`` before the first word ends our options; after it, ``--`` belongs to the command and
    nothing behind it is ours.

    Args:
        args: the words behind ``exec``.
        takes_value: for every option of ours, long and short, whether a value follows it.

    Raises:
        UsageError: an option of ours that is not in `STILL_OURS` stands in the command, or one has
            no value.
    """
    options: list[str] = []
    position = 0
    while position < len(args):
        word = args[position]
        if word == "--":
            return Words(tuple(options), tuple(args[position + 1 :]))
        if not word.startswith("-") or word == "-":
            break
        taken = _option(args, position, takes_value)
        options += taken
        position += len(taken)
    ours, command = _split_tail(args[position:], takes_value)
    return Words((*options, *ours), command)


def _option(args: Sequence[str], position: int, takes_value: Mapping[str, bool]) -> Sequence[str]:
    word = args[position]
    if not _wants_next(word, takes_value):
        return args[position : position + 1]
    taken = args[position : position + 2]
    # What ends the options is no option's value: whoever writes that has forgotten one.
    if len(taken) < 2 or taken[1] == "--":
        raise UsageError(f"{word} needs a value")
    return taken


def _wants_next(word: str, takes_value: Mapping[str, bool]) -> bool:
    if word.startswith("--"):
        return "=" not in word and takes_value.get(word, False)
    for place, letter in enumerate(word[1:], start=1):
        if takes_value.get(f"-{letter}", False):
            return place == len(word) - 1
    return False


def _split_tail(
    args: Sequence[str], takes_value: Mapping[str, bool]
) -> tuple[list[str], tuple[str, ...]]:
    ours: list[str] = []
    command: list[str] = []
    position = 0
    while position < len(args):
        word = args[position]
        name = word.partition("=")[0]
        if word == "--":
            command += args[position:]
            break
        if name in STILL_OURS:
            taken = _option(args, position, takes_value)
            ours += taken
            position += len(taken)
            continue
        if name in takes_value and name.startswith("--"):
            raise UsageError(_ambiguous(name, command))
        command.append(word)
        position += 1
    return ours, tuple(command)


def _ambiguous(name: str, command: Iterable[str]) -> str:
    first = next(iter(command), "COMMAND")
    return (
        f"{name} after the command's first word ({first!r}): is it opsrun's or the command's? "
        f"Write `opsrun exec {name} ... -- {first} ...` for opsrun's, "
        f"`opsrun exec ... -- {first} ... {name}` for the command's"
    )
