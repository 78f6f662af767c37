"""What an account has to change in, and the commands that change it.

Those of shadow-utils (useradd(8), usermod(8), chage(1), chpasswd(8)), of libuser for accounts that
are local, pw(8) of FreeBSD, and what busybox has. Secrets come by standard input: the passphrase of
a key in the first line, the hash of a password behind it, for chpasswd(8) to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsrun.modules.users.entries import (
    ENTRY,
    TOOLS,
    command,
    either,
)
from opsrun.modules.wording import word

if TYPE_CHECKING:
    from opsrun.modules.users.user import User, UserSeen

_HOME = r"""
if [ ! -d "$h" ]; then
  case $h in */*) mkdir -p -- "${h%/*}/" || exit ;; esac
  if [ -d "$skel" ]; then cp -R -- "$skel" "$h" || exit; else mkdir -- "$h" || exit; fi
  mode=$(awk '$1 == "HOME_MODE" { m = $2 } $1 == "UMASK" && m == "" { u = $2 }
    END { print m == "" ? "u" u : m }' /etc/login.defs 2>/dev/null)
  case $mode in
    u?*) mode=$(printf '%o' "$((0777 & ~0${mode#u}))") ;;
    [0-7]*) ;;
    *) mode=0755 ;;
  esac
  chown -R "$u:$g" "$h" && chmod "$mode" "$h" || exit
fi
"""
"""Wants ``h``, ``skel``, ``u`` and ``g``."""

_WHOSE = r"""
e=$(entry passwd "$n")
IFS=: read -r _ _ u g _ h _ <<EOF
$e
EOF
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What differs; empty where nothing does."""

    user: User
    seen: UserSeen
    new: bool
    words: tuple[str, ...] = ()
    """For usermod(8), which useradd(8) and pw(8) understand too."""
    groups: tuple[str, ...] | None = None
    """All further groups that it shall be in; None for as they are."""
    left: tuple[str, ...] = ()
    """Groups that it is no longer in."""
    joined: tuple[str, ...] = ()
    password: str | None = field(default=None, repr=False)
    lock: bool | None = None
    aging: tuple[str, ...] = ()
    """For chage(1)."""
    home: bool = False
    """Its home has to be made."""
    key: bool = False
    """Its key has to be made."""

    def __bool__(self) -> bool:
        return self.new or any(
            (
                self.words,
                self.groups is not None,
                self.password is not None,
                self.lock is not None,
                self.aging,
                self.home,
                self.key,
            )
        )

    def stdin(self) -> bytes | None:
        """The secrets."""
        text = ""
        if self.key and self.user.ssh_key_passphrase is not None:
            text += f"{self.user.ssh_key_passphrase}\n"
        if self.password is not None:
            named = "" if self.user.local else f"{self.user.called}:"
            text += f"{named}{self.password}\n"
        return text.encode("utf-8", "surrogateescape") or None

    def script(self) -> str:
        """What changes it."""
        return "".join(self._lines())

    def _lines(self) -> Iterator[str]:
        user = self.user
        umask = self.seen.answers.octal("umask", 0o022)
        yield f"{TOOLS}{ENTRY}local={'y' if user.local else ''}\nn={word(user.called)}\n"
        if self.key and user.ssh_key_passphrase is not None:
            yield "IFS= read -r phrase\n"
        yield f"exec 3<&0 </dev/null\numask {umask:03o}\n"
        if self.new:
            yield from self._creation()
        elif self.words or self.groups is not None:
            yield from self._modification()
        if self.password is not None:
            yield _password(user)
        if self.lock is not None:
            yield _locking(user, lock=self.lock)
        if self.aging:
            tool = "lchage" if user.local else "chage"
            yield either([(tool, command(tool, self.aging, "--", user.called))], tool)
        if self.home or self.key:
            yield _WHOSE
        if self.home:
            yield f"skel={word(user.skeleton or '/etc/skel')}\n{_HOME}"
        if self.key:
            yield f"umask 077\n{user.key.making()}"

    # -- an account that is made

    def _creation(self) -> Iterator[str]:
        user = self.user
        if user.create_home and user.home and "/" in user.home.strip("/"):
            yield f"mkdir -p -- {word(user.home.rstrip('/').rpartition('/')[0])} || exit\n"
        system = ["-r"] if user.system else []
        if user.local:
            home = [] if user.create_home else ["-M"]
            skeleton = ["-k", user.skeleton] if user.skeleton and user.create_home else []
            line = command("luseradd", self.words, system, home, skeleton, "--", user.called)
            yield either([("luseradd", line)], "luseradd")
            yield from self._local_groups()
            return
        home = ["-m"] if user.create_home else ["-M"]
        if user.create_home and user.skeleton:
            home += ["-k", user.skeleton]
        groups = ["-G", ",".join(self.groups)] if self.groups else []
        same = ["-N"] if not user.group and user.called in self.seen.groups else []
        limits = [
            each
            for name, value in (
                ("UMASK", user.umask),
                ("UID_MIN", user.uid_min),
                ("UID_MAX", user.uid_max),
            )
            if value is not None
            for each in ("-K", f"{name}={value}")
        ]
        words = command(
            "useradd", self.words, groups, same, system, home, limits, "--", user.called
        )
        freebsd = [each for each in home if each != "-M"]
        cls_ = ["-L", user.login_class] if user.login_class else []
        pw = command("pw", "useradd", user.called, self.words, groups, freebsd, cls_)
        yield either([("useradd", words), ("pw", pw), *self._busybox()], "useradd")

    def _busybox(self) -> list[tuple[str, str]]:
        user = self.user
        if user.non_unique or user.expires is not None or user.seuser or user.umask:
            return []
        words = ["-D"]
        for letter, value in (
            ("-u", user.uid),
            ("-G", user.group),
            ("-g", user.comment),
            ("-h", user.home),
            ("-s", user.shell),
            ("-k", user.skeleton),
        ):
            words += [] if value is None else [letter, str(value)]
        words += ["-S"] if user.system else []
        words += [] if user.create_home else ["-H"]
        lines = [command("adduser", words, "--", user.called)]
        lines += [command("addgroup", "--", user.called, each) for each in self.groups or ()]
        return [("adduser", " &&\n    ".join(lines))]

    # -- an account that is changed

    def _modification(self) -> Iterator[str]:
        user = self.user
        if user.local:
            if self.words:
                line = command("lusermod", self.words, "--", user.called)
                yield either([("lusermod", line)], "lusermod")
            yield from self._local_groups()
            return
        groups = [] if self.groups is None else ["-G", ",".join(self.groups)]
        tools = [
            ("usermod", command("usermod", self.words, groups, "--", user.called)),
            ("pw", command("pw", "usermod", user.called, self.words, groups)),
        ]
        if not self.words:
            lines = [command("addgroup", "--", user.called, each) for each in self.joined]
            lines += [command("delgroup", "--", user.called, each) for each in self.left]
            tools.append(("addgroup", " &&\n    ".join(lines)))
        yield either(tools, "usermod")

    def _local_groups(self) -> Iterator[str]:
        for letter, names in (("-M", self.joined), ("-m", self.left)):
            for each in names:
                line = command("lgroupmod", letter, self.user.called, "--", each)
                yield either([("lgroupmod", line)], "lgroupmod")


def _password(user: User) -> str:
    if user.local:
        line = f"{command('lpasswd', '-F', '3', '--', user.called)} 3<&3"
        return either([("lpasswd", line)], "lpasswd")
    tools = [
        ("pw", f"cut -d: -f2- <&3 | {command('pw', 'usermod', user.called, '-H', '0')}"),
        ("chpasswd", "chpasswd -e <&3"),
    ]
    return either(tools, "chpasswd")


def _locking(user: User, *, lock: bool) -> str:
    letter = "-L" if lock else "-U"
    if user.local:
        return either([("lusermod", command("lusermod", letter, "--", user.called))], "lusermod")
    tools = [
        ("usermod", command("usermod", letter, "--", user.called)),
        ("pw", command("pw", "lock" if lock else "unlock", user.called)),
        ("passwd", command("passwd", "-l" if lock else "-u", "--", user.called)),
    ]
    return either(tools, "usermod")


def removing_script(user: User) -> str:
    """What takes it away."""
    forced = ["-f"] if user.force else []
    remove = ["-r"] if user.remove else []
    if user.local:
        tools = [("luserdel", command("luserdel", remove, "--", user.called))]
        return TOOLS + either(tools, "luserdel")
    small = ["--remove-home"] if user.remove else []
    tools = [
        ("userdel", command("userdel", forced, remove, "--", user.called)),
        ("pw", command("pw", "userdel", user.called, remove)),
        ("deluser", command("deluser", small, "--", user.called)),
    ]
    return TOOLS + either(tools, "userdel")
