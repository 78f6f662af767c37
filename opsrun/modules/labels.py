"""What a file has beside owner and mode: an SELinux context, and the attributes of chattr(1).

Contexts matter only where a policy is loaded, which selinuxfs shows (selinux(8)): elsewhere they
are not looked at. Attributes are compared letter by letter: what is there already is no change.
The extents of ext4 (``e``) belong to the file system, which does not let go of them: ``=`` leaves
them as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opsrun.modules.wording import word

DEFAULT = "_default"
"""A part of a context: what the policy has for that path."""

_UNSETTABLE = frozenset("EINV")
"""What lsattr(1) may show and chattr(1) does not take."""
_LOCKING = "ia"
"""With these, neither owner nor mode can be changed."""


@dataclass(frozen=True, slots=True)
class Label:
    """Parts of an SELinux context; None for as it is, ``_default`` for what the policy says."""

    user: str | None = None
    role: str | None = None
    type: str | None = None
    level: str | None = None

    @property
    def parts(self) -> tuple[str | None, ...]:
        """In the order in which a context has them."""
        return (self.user, self.role, self.type, self.level)

    def __bool__(self) -> bool:
        return any(self.parts)

    @property
    def by_policy(self) -> bool:
        """Whether the policy has to be asked."""
        return DEFAULT in self.parts

    def over(self, context: str, policy: str) -> str:
        """A context with these parts in place of its own.

        Args:
            context: as stat(1) tells it: three parts, or four where there are levels.
            policy: what matchpathcon(8) says of the path; empty where it says nothing.
        """
        own, usual = context.split(":", 3), policy.split(":", 3)
        found = []
        for number, old in enumerate(own):
            wanted = self.parts[number] or old
            if wanted == DEFAULT:
                wanted = usual[number] if policy and number < len(usual) else old
            found.append(wanted)
        return ":".join(found)

    def lines(self, name: str) -> Iterator[str]:
        """Commands for something new, whose context is not known yet."""
        if not self:
            return
        if self.by_policy:
            yield f"! command -v restorecon >/dev/null 2>&1 || restorecon -F {name} || exit\n"
        options = [
            f"-{letter} {word(part)}"
            for letter, part in zip("urtl", self.parts, strict=True)
            if part and part != DEFAULT
        ]
        if options:
            yield f"chcon -h {' '.join(options)} {name} || exit\n"


ANY_LABEL = Label()


def chattr(argument: str, names: str) -> str:
    """A command. Some chattr(1) complain and exit with 0: whatever is said is a failure.

    Args:
        argument: for a shell.
        names: the same.
    """
    call = f'{{ e=$(chattr {argument} {names} 2>&1) && [ -z "$e" ]; }}'
    return f"{call} || {{ printf '%s\\n' \"$e\" >&2; exit 1; }}\n"


@dataclass(frozen=True, slots=True)
class Flags:
    """Attributes that are wanted."""

    sign: str
    letters: str

    @classmethod
    def of(cls, text: str | None) -> Flags | None:
        """As a task writes them; None for none."""
        if not text:
            return None
        return cls(text[0], text[1:]) if text[0] in "-+=" else cls("=", text)

    @property
    def text(self) -> str:
        """With the sign."""
        return self.sign + self.letters

    def differs(self, there: str | None) -> bool:
        """Whether a file that has ``there`` is to be changed; None for what can't be told."""
        if there is None:
            return True
        own, named = set(there) - _UNSETTABLE, set(self.letters)
        if self.sign == "+":
            return not named <= set(there)
        if self.sign == "-":
            return bool(named & set(there))
        return own - {"e"} != named - {"e"} or ("e" in named and "e" not in own)

    def argument(self, there: str | None) -> str:
        """What chattr(1) is told."""
        kept = "e" if self.sign == "=" and "e" in (there or "") and "e" not in self.letters else ""
        return word(self.text + kept)

    def unlocking(self, there: str | None) -> str:
        """Letters to take off before anything else can be changed."""
        own = [each for each in _LOCKING if each in (there or "")]
        if self.sign == "+":
            return ""
        goes = self.sign == "-"
        return "".join(each for each in own if (each in self.letters) == goes)
