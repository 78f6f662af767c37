"""Modes, owners and groups: what is wanted, compared with what there is.

Symbolic modes are those of chmod(1) (POSIX.1-2017), read as the dialect reads them: ``=`` clears
the set-id bit of whom it names, on directories too, and a clause that names nobody is for all of
them, less what the umask takes off.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.base import ModuleError
from opsrun.modules.labels import ANY_LABEL, Flags, Label, chattr
from opsrun.modules.looking import Answers, Seen
from opsrun.modules.wording import word

_CLAUSE = re.compile(r"(a|[ugo]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)\Z")
_STEP = re.compile(r"([-+=])([rwxXstugo]*)")
_SHIFT = {"u": 6, "g": 3, "o": 0}
_SPECIAL = {"u": stat.S_ISUID, "g": stat.S_ISGID, "o": stat.S_ISVTX}
_PLAIN = {"r": 4, "w": 2, "x": 1}


def symbolic(text: str, mode: int, *, directory: bool, umask: int) -> int:
    """What a symbolic mode makes of a mode.

    Raises:
        ModuleError: it is none.
    """
    for clause in text.split(","):
        found = _CLAUSE.match(clause)
        if found is None:
            why = f"bad symbolic permission for mode: {text}"
            raise ModuleError("mode must be in octal or symbolic form", details=why)
        for step in _STEP.finditer(found[2]):
            mode = _stepped(mode, found[1], step[1], step[2], directory, umask)
    return mode


def _stepped(mode: int, who: str, sign: str, perms: str, directory: bool, umask: int) -> int:
    before = mode
    for user in "ugo" if not who or "a" in who else who:
        bits = _bits(user, perms, before, directory)
        if not who:
            bits &= ~umask
        if sign == "+":
            mode |= bits
        elif sign == "-":
            mode &= ~bits
        else:
            mode = mode & ~(7 << _SHIFT[user] | _SPECIAL[user]) | bits
    return mode


def _bits(user: str, perms: str, mode: int, directory: bool) -> int:
    bits = 0
    for letter in perms:
        if letter in _PLAIN:
            bits |= _PLAIN[letter] << _SHIFT[user]
        elif letter == "X":
            bits |= (1 if directory or mode & 0o111 else 0) << _SHIFT[user]
        elif letter == "s":
            bits |= _SPECIAL[user] if user in "ug" else 0
        elif letter == "t":
            bits |= stat.S_ISVTX if user == "o" else 0
        else:
            bits |= (mode >> _SHIFT[letter] & 7) << _SHIFT[user]
    return bits


def shown_mode(mode: int) -> str:
    """As results and differences have it: a zero before the octal digits."""
    return f"0{mode:03o}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a path is to have; None for as it is."""

    mode: int | str | None = None
    owner: str | None = None
    group: str | None = None
    label: Label = ANY_LABEL
    attributes: str | None = None
    """As `Flags.of` reads them."""

    @property
    def marks(self) -> bool:
        """Whether there is more to compare than owner and mode."""
        return bool(self.attributes or self.label)

    def asking(self) -> str:
        """Lines that stand before ``at``, which then tells what of a path is to be compared."""
        flags = "ask_flags=y\n" if self.attributes else ""
        return flags + ("ask_policy=y\n" if self.label.by_policy else "")

    def script(self) -> str:
        """Lines that tell the numbers of names, for `resolved`."""
        lines = ["[ ! -e /sys/fs/selinux/enforce ] || say selinux y\n"]
        if self.attributes:
            lines.append("command -v chattr >/dev/null 2>&1 || say chattr n\n")
        if self.owner and not self.owner.isdecimal():
            lines.append(f'say uid "$(id -u -- {word(self.owner)} 2>/dev/null)"\n')
        if self.group and not self.group.isdecimal():
            name = word(self.group)
            lines.append(
                f"l=$(getent group {name} 2>/dev/null) ||"
                f' l=$(while IFS= read -r l; do case $l in {name}:*) echo "$l" ;; esac; done'
                ' </etc/group)\nl=${l#*:}\nl=${l#*:}\nsay gid "${l%%:*}"\n'
            )
        return "".join(lines)

    def resolved(self, answers: Answers, *, check: bool = False) -> Wanted:
        """With numbers, and the umask that symbolic modes go by.

        Raises:
            ModuleError: a user or group is not known there.
        """
        warnings: list[str] = []
        uid = _number("user", "chown", self.owner, answers, "uid", warnings, check)
        gid = _number("group", "chgrp", self.group, answers, "gid", warnings, check)
        umask = answers.octal("umask", 0o022)
        mode = None if self.mode == "" else self.mode
        if self.attributes and answers.get("chattr") == "n":
            words = "there is no chattr(1) to set attributes with: e2fsprogs usually has it"
            if not check:
                raise ModuleError(words)
            warnings.append(words)
        selinux = answers.get("selinux") is not None
        label = self.label if selinux else ANY_LABEL
        flags = Flags.of(self.attributes)
        return Wanted(mode, uid, gid, umask, tuple(warnings), label, flags, selinux)


def _number(
    what: str,
    tool: str,
    name: str | None,
    answers: Answers,
    key: str,
    warnings: list[str],
    check: bool,
) -> int | None:
    if not name:
        return None
    if name.isdecimal():
        return int(name)
    number = answers.number(key)
    if number is None:
        if not check:
            raise ModuleError(f"{tool} failed: failed to look up {what} {name}")
        # An earlier task makes it, when the play runs in earnest.
        warnings.append(f"there is no {what} {name} yet")
    return number


@dataclass(frozen=True, slots=True)
class Wanted:
    """A `Wish` on a host."""

    mode: int | str | None
    uid: int | None
    gid: int | None
    umask: int
    warnings: tuple[str, ...] = ()
    label: Label = ANY_LABEL
    """Empty where there is no SELinux."""
    flags: Flags | None = None
    selinux: bool = False

    def mode_for(self, mode: int, *, directory: bool) -> int:
        """The mode that something of ``mode`` gets. ModuleError."""
        if self.mode is None:
            return mode
        if isinstance(self.mode, int):
            return self.mode
        return symbolic(self.mode, mode, directory=directory, umask=self.umask)

    def against(self, seen: Seen, *, new: bool = False) -> Difference:
        """What has to change at a path; a link has no mode.

        Args:
            seen: what is there.
            new: it is only foreseen: whose it will be is told, and set in any case.

        Raises:
            ModuleError: a bad mode.
        """
        mode = None
        if not seen.is_link:
            wanted = self.mode_for(seen.mode, directory=seen.is_dir)
            mode = wanted if wanted != seen.mode else None
        return Difference(
            seen,
            mode,
            self.uid if self.uid is not None and (new or self.uid != seen.uid) else None,
            self.gid if self.gid is not None and (new or self.gid != seen.gid) else None,
            self.label if self._relabels(seen) else ANY_LABEL,
            self.flags if self.flags is not None and self.flags.differs(seen.flags) else None,
        )

    def _relabels(self, seen: Seen) -> bool:
        known = seen.context
        return bool(self.label) and (not known or self.label.over(known, seen.policy) != known)

    @property
    def plain(self) -> Wanted:
        """Owner and mode alone, for a file that is yet to be put in its place; see `settling`."""
        return replace(self, label=ANY_LABEL, flags=None)

    def settling(self, path: str, old: Seen) -> Iterator[str]:
        """Commands for a file that has just taken the place of ``old``: it has the context that
        its directory gave it, and no attributes."""
        name = argument(path)
        if self.selinux and old.context and not old.is_link:
            yield f"chcon -h {word(self.label.over(old.context, old.policy))} {name} || exit\n"
        elif self.selinux:
            yield f"! command -v restorecon >/dev/null 2>&1 || restorecon -F {name} || exit\n"
            yield from self.label.lines(name)
        if self.flags is not None:
            yield chattr(self.flags.argument(None), name)


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs at one path from what is wanted."""

    seen: Seen
    mode: int | None
    uid: int | None
    gid: int | None
    label: Label = ANY_LABEL
    """Empty where the context is as it shall be."""
    flags: Flags | None = None

    def __bool__(self) -> bool:
        plain = (self.mode, self.uid, self.gid, self.flags) != (None,) * 4
        return plain or bool(self.label)

    def before(self) -> dict[str, Any]:
        """For the diff."""
        told = self._told(self.seen.mode, self.seen.uid, self.seen.gid)
        if self.label:
            told["secontext"] = self.seen.context.split(":", 3) if self.seen.context else None
        if self.flags is not None:
            told["attributes"] = self.seen.flags or ""
        return told

    def after(self) -> dict[str, Any]:
        """For the diff."""
        told = self._told(self.mode or 0, self.uid, self.gid)
        if self.label:
            told["secontext"] = self.context.split(":", 3) if self.context else None
        if self.flags is not None:
            told["attributes"] = self.flags.text
        return told

    @property
    def context(self) -> str:
        """The whole context that is wanted; empty where nothing is, or it is known in part."""
        known = self.seen.context
        return self.label.over(known, self.seen.policy) if self.label and known else ""

    def _told(self, mode: int, uid: int | None, gid: int | None) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if self.uid is not None and self.uid != self.seen.uid:
            told["owner"] = uid
        if self.gid is not None and self.gid != self.seen.gid:
            told["group"] = gid
        if self.mode is not None:
            told["mode"] = shown_mode(mode)
        return told

    @property
    def lasting_mode(self) -> int | None:
        """The mode to set: also one that is right now, and loses set-id bits with its owner."""
        moved = (self.uid, self.gid) != (None, None)
        if self.mode is None and moved and self.seen.mode & 0o6000 and not self.seen.is_link:
            return self.seen.mode
        return self.mode

    def lines(self, path: str) -> Iterator[str]:
        """Commands; the mode behind the owner, whose change takes set-id bits away."""
        name = argument(path)
        locks = "" if self.flags is None else self.flags.unlocking(self.seen.flags)
        if locks:
            yield chattr(f"-{locks}", name)
        if self.uid is not None:
            group = "" if self.gid is None else f":{self.gid}"
            yield f"chown -h {self.uid}{group} {name} || exit\n"
        elif self.gid is not None:
            yield f"chgrp -h {self.gid} {name} || exit\n"
        mode = self.lasting_mode
        if mode is not None:
            yield f"chmod {mode_argument(mode, directory=self.seen.is_dir)} {name} || exit\n"
        if self.context:
            yield f"chcon -h {word(self.context)} {name} || exit\n"
        else:
            yield from self.label.lines(name)
        if self.flags is not None:
            yield chattr(self.flags.argument(self.seen.flags), name)


def mode_argument(mode: int, *, directory: bool) -> str:
    """For chmod(1): GNU's leaves set-id bits of directories alone, unless told with five digits."""
    return f"0{mode:04o}" if directory else f"{mode:04o}"


def argument(path: str) -> str:
    """A path as a word that no program takes for an option."""
    return word(f"./{path}" if path.startswith("-") else path)


def described(seen: Seen) -> dict[str, Any]:
    """What the results of modules that write files tell of a path."""
    if not seen.exists:
        return {}
    context = {"secontext": seen.context} if seen.context else {}
    return {
        **context,
        "uid": seen.uid,
        "gid": seen.gid,
        "owner": seen.user or str(seen.uid),
        "group": seen.group or str(seen.gid),
        "mode": shown_mode(seen.mode),
        "state": seen.state,
        "size": seen.size,
    }
