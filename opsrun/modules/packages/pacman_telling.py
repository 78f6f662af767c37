"""What pacman prints of packages, and what its refusals may mean: pure."""

from __future__ import annotations

import re

from opsrun.modules.looking import Answers
from opsrun.modules.refusing import explained, hint_of

_OLDER = re.compile(r"^(\S+) (\S+) -> (\S+)$", re.MULTILINE)
_PLANNED = re.compile(r"(?!:: )\S+(?: \S*\d\S*)?")
"""``name version``, or ``name-version``."""
_NO_REASON = re.compile(r"\.\.\.$|\? \[")
"""What pacman is doing, and what it asks."""
_REASON = re.compile(r"^:: | exists in filesystem| is corrupted")
_HINTS = (
    ("unable to lock database", "another pacman is at work on that host, or one was killed"),
    ("unknown trust", "pacman-key has to know and trust the key of whoever packed it"),
    ("invalid or corrupted package", "is archlinux-keyring up to date?"),
    ("you cannot perform this operation unless you are root", "that takes root: become"),
    ("target not found", "update_cache: true renews what is known of repositories"),
    ("could not find database", "update_cache: true gets the databases"),
    ("exists in filesystem", "--overwrite in extra_args lets pacman take such files"),
    ("too full", "that file system is full"),
    ("breaks dependency", "what needs it has to go, too: name it, or --cascade in extra_args"),
    ("failed retrieving file", "can that server be reached, and is it up to date with databases?"),
)


def olders(printed: str) -> tuple[tuple[str, str], list[str]]:
    """What ``--query --upgrades`` printed: both sides of a diff, and the names. What is held back
    (``[ignored]``) is left out."""
    found = sorted(_OLDER.findall(printed))
    before = "".join(f"{name}-{old}\n" for name, old, _ in found)
    after = "".join(f"{name}-{new}\n" for name, _, new in found)
    return (before, after), [name for name, _, _ in found]


def packages(found: Answers) -> list[str]:
    """What pacman is going to do something with: a line for each, without its remarks."""
    lines = [line for text in found.every("plan") for line in text.splitlines()]
    return list(dict.fromkeys(each for each in lines if _PLANNED.fullmatch(each)))


def came(found: Answers) -> list[str]:
    """The names of what comes, and of what is there for another reason now; sorted."""
    marked = found.text("marked").split()
    return sorted({*(each.partition(" ")[0] for each in packages(found)), *marked})


def changes(found: Answers, reason: str | None) -> tuple[str, str]:
    """Both sides of a diff: each package's version, with why it is there where that is known.

    Args:
        found: ``query`` is all that is there, ``explicit`` what somebody asked for, ``plan`` what
            comes, ``marked`` what gets another reason.
        reason: that one.
    """
    there = dict(each.split(" ", 1) for each in found.text("query").splitlines() if " " in each)
    explicit = {each.partition(" ")[0] for each in found.text("explicit").splitlines()}
    coming = dict(each.partition(" ")[::2] for each in packages(found))
    marked = set(found.text("marked").split())
    before, after = [], []
    for name in came(found):
        why_now = ("explicit" if name in explicit else "dependency") if name in there else ""
        then = (reason or "") if name in marked else why_now
        if name in there:
            before.append(f"{name}-{there[name]}-{why_now}\n")
        version = coming.get(name) or there.get(name, "")
        after.append(f"{name}-{version}{f'-{then}' if then else ''}\n")
    return "".join(before), "".join(after)


def left(found: Answers) -> bool:
    """Whether a failure left other packages behind than there were."""
    before = {each for each in found.text("query").splitlines() if ": " not in each}
    return bool(before) and before != set(found.text("after").splitlines())


def why(errors: str, printed: str, rc: str) -> str:
    """Why pacman failed, in its own words, with what they may mean."""
    lines = [each for each in printed.splitlines() if not _NO_REASON.search(each)]
    told = [explained(errors), *(each for each in lines if _REASON.search(each) or not errors)]
    words = "\n".join(filter(None, told)) or f"pacman ended with exit status {rc}"
    if hint_of(words):
        return words
    hint = next((hint for sign, hint in _HINTS if sign in words), "")
    return f"{words} ({hint})" if hint else words
