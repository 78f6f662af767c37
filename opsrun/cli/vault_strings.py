"""What `opsrun vault encrypt-string` encrypts, and what it prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opsrun.cli.asking import Asker
from opsrun.cli.vault_files import STDIN, read_stdin
from opsrun.cli.vaulting import Seal
from opsrun.errors import UsageError
from opsrun.secret import Secret

_INDENT = " " * 10
"""As ansible-vault prints it: deep enough wherever it is pasted."""
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")


@dataclass(frozen=True, slots=True)
class String:
    """One text to encrypt."""

    text: Secret
    name: str | None = None


def gathered(
    texts: Sequence[str], names: Sequence[str], stdin_name: str | None, prompt: bool, shown: bool
) -> list[String]:
    """The texts that are asked for, those of standard input and the command line, in this order;
    standard input where nothing says.

    Raises:
        UsageError: one is empty, or there are more names than texts.
    """
    found = []
    if prompt:
        found.append(_prompted(shown))
    if STDIN in texts or stdin_name is not None or not (prompt or texts):
        text = read_stdin().decode("utf-8", "surrogateescape")
        found.append(String(Secret(text), stdin_name))
    words = [text for text in texts if text != STDIN]
    if len(names) > len(words):
        raise UsageError(f"there are {len(names)} names (-n) and {len(words)} texts")
    found += [String(Secret(text), name) for text, name in _named(words, names)]
    if not all(string.text for string in found):
        raise UsageError("a text to encrypt is empty")
    return found


def _named(texts: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    for at, text in enumerate(texts):
        yield text, names[at] if at < len(names) else None


def _prompted(shown: bool) -> String:
    asker = Asker()
    name = asker.ask("Name of the variable (none: Enter): ", True)
    text = asker.ask("Text to encrypt: ", shown)
    if name is None or text is None:
        raise UsageError("--prompt: there is no terminal to ask on")
    if not shown and asker.ask("The same again: ", False) != text:
        raise UsageError("--prompt: the two texts differ")
    return String(text, name.reveal().strip() or None)


def in_yaml(string: String, seal: Seal) -> str:
    """The text encrypted, as a value in YAML, with its name in front."""
    plain = string.text.reveal().encode("utf-8", "surrogateescape")
    lines = seal(plain).splitlines()
    body = "".join(f"{_INDENT}{line}\n" for line in lines)
    return f"{_key(string.name)}!vault |\n{body}"


def _key(name: str | None) -> str:
    if name is None:
        return ""
    return f"{name if _PLAIN_KEY.match(name) else json.dumps(name, ensure_ascii=False)}: "
