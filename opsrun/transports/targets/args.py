"""Options of ssh(1) inside a variable (``ansible_ssh_common_args`` …) or after ``-O``.

Each becomes a setting of ssh_config, with the place that it comes from.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from functools import lru_cache

from opsrun.errors import NotBuiltError, UsageError
from opsrun.transports.ssh_config.keywords import INSTEAD, Use, spelling, use_of
from opsrun.transports.ssh_config.parse import Setting, parse_option
from opsrun.transports.ssh_config.values import BadValue, port

_VALUED = {"J": "proxyjump", "l": "user", "i": "identityfile"}
_FLAGS = {
    "4": ("addressfamily", "inet"),
    "6": ("addressfamily", "inet6"),
    "C": ("compression", "yes"),
    "T": ("requesttty", "no"),
    "a": ("forwardagent", "no"),
    "n": ("stdinnull", "yes"),
    "q": ("loglevel", "quiet"),
    "v": ("loglevel", "verbose"),
    "x": ("forwardx11", "no"),
}
_OURS = "-o -J -F -p -l -i -4 -6"


def option(text: str, origin: str, *, any_use: bool = False) -> Setting:
    """What follows ``-o``; with ``any_use`` also what only ssh(1) itself can act on.

    Raises:
        UsageError: it is no option of ssh's, or has a wrong value; ``origin`` is in the message.
        NotBuiltError: opsrun doesn't act on it.
    """
    try:
        setting = parse_option(text, origin)
        return setting if any_use else _acted_on(setting)
    except BadValue as bad:
        raise UsageError(f"{origin}: -o {text}: {bad.message}") from None


def _acted_on(setting: Setting) -> Setting:
    if use_of(setting.keyword, setting.text) is Use.UNUSED:
        instead = INSTEAD.get(setting.keyword)
        words = f"has no effect here; {instead}" if instead else "this is not built yet"
        raise NotBuiltError(f"{setting.origin}: {setting}: {words}")
    return setting


@lru_cache(maxsize=1024)
def _words(text: str) -> tuple[str, ...]:
    # One group_vars line serves thousands of hosts.
    return tuple(shlex.split(text))


def arguments(
    text: str, origin: str, *, any_use: bool = False
) -> tuple[tuple[Setting, ...], str | None]:
    """The settings in a line of ssh options, in their order, and the file after ``-F``.

    With ``any_use`` they are for ssh(1) itself, which can act on more.

    Raises:
        UsageError: a word that is no option, or has a wrong value.
        NotBuiltError: an option that opsrun doesn't act on.
    """
    try:
        words = iter(_words(text))
    except ValueError as error:
        raise UsageError(f"{origin}: {text!r}: {str(error).lower()}") from None
    settings: list[Setting] = []
    file: str | None = None
    for letter, value in _letters(words, origin):
        if letter == "F":
            file = value
        else:
            settings.append(_setting(letter, value, origin, any_use))
    return tuple(settings), file


def _letters(words: Iterator[str], origin: str) -> Iterable[tuple[str, str]]:
    for word in words:
        if not word.startswith("-") or word in ("-", "--"):
            raise UsageError(f"{origin}: expected an option of ssh, found {word!r}")
        for at, letter in enumerate(word[1:], 2):
            if letter in _FLAGS:
                yield letter, ""
                continue
            value = word[at:] or next(words, "") if letter in "oFp" or letter in _VALUED else ""
            if not value:
                raise _refused(letter, origin)
            yield letter, value
            break


def _refused(letter: str, origin: str) -> UsageError:
    if letter in "oFp" or letter in _VALUED:
        return UsageError(f"{origin}: the ssh option -{letter} needs a value")
    return NotBuiltError(f"{origin}: the ssh option -{letter} is not built; there are {_OURS}")


def _setting(letter: str, value: str, origin: str, any_use: bool) -> Setting:
    if letter == "o":
        return option(value, origin, any_use=any_use)
    if letter in _FLAGS:
        keyword, meant = _FLAGS[letter]
        return Setting(keyword, meant, meant, origin)
    if letter == "p":
        try:
            return Setting("port", port(value), value, origin)
        except BadValue as bad:
            raise UsageError(f"{origin}: -p: {bad.message}") from None
    keyword = _VALUED[letter]
    assert spelling(keyword)
    return Setting(keyword, value, value, origin)
