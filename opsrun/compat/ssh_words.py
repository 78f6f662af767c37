"""What Ansible's settings and options have ssh told, as opsrun's ``-O``."""

from __future__ import annotations

import shlex

from opsrun.compat.translation import NotTranslated

_MOOT_OF_SSH = ("-C", "-q", "-tt", "-t", "-T", "-x", "-a")
_NAMED_OF_SSH = {"-i": "IdentityFile", "-J": "ProxyJump", "-l": "User", "-p": "Port"}


def ssh_options(text: str, place: str) -> list[str]:
    """The ``-o`` options among ssh's words; those that keep connections open are moot.

    Raises:
        NotTranslated: there is another option among them.
    """
    found: list[str] = []
    words = shlex.split(text)
    while words:
        word = words.pop(0)
        if word in _MOOT_OF_SSH:
            continue
        if word[:2] in _NAMED_OF_SSH and (len(word) > 2 or words):
            found.append(f"{_NAMED_OF_SSH[word[:2]]}={word[2:] or words.pop(0)}")
            continue
        if not word.startswith("-o") and word != "-C":
            raise NotTranslated(f"{place}: of ssh's options opsrun takes -o alone, not {word!r}")
        if word == "-C":
            continue
        value = word[2:] or (words.pop(0) if words else "")
        if value.partition("=")[0].lower() not in (
            "controlmaster",
            "controlpersist",
            "controlpath",
        ):
            found.append(value)
    return found
