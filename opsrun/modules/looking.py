"""What there is at a path of a host, asked for in a script of ours.

Answers are keys and values, each ended by a NUL, so that names of any bytes come through. The shell
functions are in `LOOK`; `Answers` reads what they print, and `Seen` is what is known of one path.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from opsrun.modules.base import ModuleError
from opsrun.modules.wording import path_of, text_of
from opsrun.remote.command import CommandResult
from opsrun.remote.phrases import phrase

FORMATS = {
    "c": "%f %u %g %s %i %d %h %b %o %t %T\n%U\n%G\n%x\n%y\n%z",
    "f": "%Xp %u %g %z %i %d %l %b %k %Xr -\n%Su\n%Sg\n%Fa\n%Fm\n%Fc",
}
"""By the option that takes it, what stat(1) is asked for: six lines, for `read_stat`. GNU's and
busybox's have ``-c``, those of BSD have ``-f``."""

LOOK = phrase(
    r"""
say() { printf '%s\0' "$@"; }
gone() {
  case $1 in *'No such file or directory') return 0 ;; esac
  return 1
}
at() {
  k=$1
  p=$2
  o=${3-}
  if [ ! -h "$p" ] && [ ! -e "$p" ]; then
    say "$k" "$p"
    e=$(ls -d -- "$p" 2>&1 >/dev/null) || gone "$e" || say "$k.why" "$e"
    return
  fi
  # shellcheck disable=SC2086 # an option, or none
  s=$(stat $o -c 'GNU' -- "$p" 2>/dev/null) || s=$(stat $o -f 'BSD' -- "$p" 2>/dev/null) || {
    say "$k" "$p"
    if [ -n "$o" ] && [ ! -e "$p" ]; then return; fi
    say "$k.why" "there is no stat(1) that tells of $p"
    return
  }
  say "$k" "$p" "$k.stat" "$s"
  if [ -n "${ask_flags-}" ]; then
    s=$(lsattr -d -- "$p" 2>/dev/null) && say "$k.flags" "${s%% *}"
  fi
  if [ -e /sys/fs/selinux/enforce ]; then
    # shellcheck disable=SC2086 # an option, or none
    s=$(stat $o -c %C -- "$p" 2>/dev/null) && say "$k.context" "$s"
    [ -z "${ask_policy-}" ] || { s=$(matchpathcon -n -- "$p" 2>/dev/null) && say "$k.policy" "$s"; }
  fi
  if [ -z "$o" ] && [ -h "$p" ]; then
    t=$(readlink "$p" && echo x)
    say "$k.link" "${t%?x}"
  fi
}
digested() {
  {
    x=$("${1}sum" <"$2") || x=$(openssl dgst "-$1" -r <"$2") || x=$(shasum -a "${1#sha}" <"$2") ||
      x=$("$1" -q <"$2") || x=$(busybox "${1}sum" <"$2") || x=
  } 2>/dev/null
  x=${x%%[!0-9a-f]*}
}
digest() {
  digested "$@"
  printf '%s' "$x"
}
leads() {
  r=
  if [ -h "$1" ] && [ -e "$1" ]; then
    r=$(readlink -f -- "$1" 2>/dev/null && echo x)
    r=${r%?x}
  fi
  [ -n "$r" ]
}
above() {
  while [ -n "$d" ] && [ ! -e "$d" ] && [ ! -h "$d" ]; do
    say new "$d"
    d=${d%"${d##*[!/]}"}
    case $d in */*) d=${d%/*} ;; *) d= ;; esac
  done
  if [ -n "$d" ] && [ ! -d "$d" ]; then say blocked "$d"; fi
}
""".replace("GNU", FORMATS["c"]).replace("BSD", FORMATS["f"])
)
"""``at KEY PATH [-L]`` tells of a path; with ``ask_flags`` set, also its attributes, and with
``ask_policy`` the context that it should have. ``digested sha1 PATH`` puts a checksum into ``x``,
or nothing; ``digest`` prints it, and costs a process more. ``leads PATH`` puts into ``r`` where a
link leads to, if anywhere: of one to nothing, some readlink(1) make a path below the working
directory."""

ABOVE = "above\n"
"""Tells, innermost first, which directories down to ``$d`` have to be made, and what is in the way
of that: see `unblocked`. Wants `LOOK`."""

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,9}))? ([+-]\d{4})\Z|(-?\d+)(?:\.(\d{1,9}))?\Z"
)


class Answers:
    """Keys and values that a script printed.

    Raises:
        ModuleError: the script broke.
    """

    def __init__(self, answer: CommandResult) -> None:
        if not answer.ok:
            raise ModuleError.of(answer)
        fields = answer.stdout.split(b"\0")
        if len(fields) % 2 == 0 or fields[-1] or answer.truncated:
            raise ModuleError("the host's answer makes no sense, or was cut off")
        keys = [text_of(key) for key in fields[:-1:2]]
        self._pairs = list(zip(keys, fields[1::2], strict=True))
        self._values = dict(self._pairs)

    def get(self, key: str) -> str | None:
        """A value as text that turns into the same bytes again; None where there is none."""
        value = self._values.get(key)
        return None if value is None else path_of(value)

    def text(self, key: str) -> str:
        """A value; empty where there is none."""
        return self.get(key) or ""

    def number(self, key: str) -> int | None:
        """A decimal number; None where there is none."""
        text = self.text(key)
        return int(text) if text.isascii() and text.isdigit() else None

    def octal(self, key: str, default: int) -> int:
        """An octal number."""
        try:
            return int(self.text(key), 8)
        except ValueError:
            return default

    def every(self, key: str) -> list[str]:
        """All values of a key that was said several times, in order."""
        return [path_of(value) for name, value in self._pairs if name == key]

    def marks(self, key: str) -> dict[str, dict[str, str]]:
        """What several ``at KEY PATH`` told, by the path: ``flags``, ``context``, ``policy``."""
        found: dict[str, dict[str, str]] = {}
        for name, value in self._pairs:
            if name == key:
                mark = found.setdefault(path_of(value), {})
            elif name.startswith(f"{key}.") and found:
                mark[name[len(key) + 1 :]] = path_of(value)
        return found

    def below(self, prefix: str) -> dict[str, str]:
        """The values of all keys that begin so, by the rest of the key."""
        return {
            name[len(prefix) :]: path_of(value)
            for name, value in self._pairs
            if name.startswith(prefix)
        }

    def seen(self, key: str, *, lenient: bool = False) -> Seen:
        """What ``at KEY`` told.

        Args:
            key: of the path.
            lenient: nothing is there, too, where a part of the path is no directory.

        Raises:
            ModuleError: it can't be told, in the host's words.
        """
        why = self.get(f"{key}.why")
        if why is not None and not (lenient and why.endswith("Not a directory")):
            raise ModuleError(why)
        path, told = self.text(key), self.get(f"{key}.stat")
        if told is None:
            return Seen(path)
        return marked(read_stat(path, told, self.get(f"{key}.link")), self.below(f"{key}."))


def unblocked(answers: Answers, path: str) -> None:
    """Says no to a path that can't come to be, whatever directories are made.

    Args:
        answers: of a script with `ABOVE`.
        path: for the words.

    Raises:
        ModuleError: what would have to be a directory above it is something else.
    """
    blocked = answers.get("blocked")
    if blocked is not None:
        raise ModuleError(f"{path} can't be: {blocked} is not a directory")


@dataclass(frozen=True, slots=True)
class Seen:
    """One path, as it was when the host was asked."""

    path: str
    """With homes and variables in it replaced."""
    raw_mode: int = 0
    """``st_mode``; 0 where there is nothing."""
    uid: int = 0
    gid: int = 0
    size: int = 0
    inode: int = 0
    device: int = 0
    links: int = 0
    blocks: int = 0
    block_size: int = 0
    rdev: int = 0
    user: str = ""
    """Empty where the number has no name."""
    group: str = ""
    atime: int = 0
    """Nanoseconds since the epoch."""
    mtime: int = 0
    ctime: int = 0
    target: str | None = None
    """What a link says."""
    flags: str | None = None
    """Letters of lsattr(1); None where they were not asked for, or can't be told."""
    context: str = ""
    """Of SELinux; empty where there is none."""
    policy: str = ""
    """The context that the policy has for the path; empty where it was not asked."""

    @property
    def exists(self) -> bool:
        """Something is there; of a link, the link itself."""
        return self.raw_mode != 0

    @property
    def mode(self) -> int:
        """Permissions with setuid, setgid and the sticky bit."""
        return stat.S_IMODE(self.raw_mode)

    @property
    def is_dir(self) -> bool:
        """A directory."""
        return stat.S_ISDIR(self.raw_mode)

    @property
    def is_link(self) -> bool:
        """A symbolic link."""
        return stat.S_ISLNK(self.raw_mode)

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return stat.S_ISREG(self.raw_mode)

    @property
    def state(self) -> str:
        """As results say it: a file with a second name is ``hard``."""
        if not self.exists:
            return "absent"
        if self.is_link:
            return "link"
        if self.is_dir:
            return "directory"
        return "hard" if self.links > 1 else "file"


def marked(seen: Seen, mark: Mapping[str, str]) -> Seen:
    """What is known of a path, with its attributes and context as `Answers.marks` has them."""
    context, flags = mark.get("context", ""), mark.get("flags")
    return replace(
        seen,
        flags=None if flags is None else flags.replace("-", ""),
        context=context if ":" in context else "",
        policy=mark.get("policy", ""),
    )


def read_stat(path: str, told: str, target: str | None = None) -> Seen:
    """What the lines of `FORMATS` say of a path. ModuleError: they say nothing."""
    lines = told.split("\n")
    words = lines[0].split()
    if len(lines) != 6 or len(words) != 11:
        raise ModuleError(f"what stat(1) says of {path} makes no sense: {told[:200]!r}")
    mode, major, minor = (
        int(each, 16) for each in (words[0], words[9], words[10].strip("-") or "0")
    )
    uid, gid, size, inode, device, links, blocks, block_size = map(int, words[1:9])
    return Seen(
        path,
        mode,
        uid,
        gid,
        size,
        inode,
        device,
        links,
        blocks,
        block_size,
        major if words[10] == "-" else _device(major, minor),
        _name(lines[1], uid),
        _name(lines[2], gid),
        nanoseconds(lines[3]),
        nanoseconds(lines[4]),
        nanoseconds(lines[5]),
        target,
    )


def _device(major: int, minor: int) -> int:
    """Linux's makedev(3)."""
    low = (major & 0xFFF) << 8 | minor & 0xFF
    return low | (major & 0xFFFFF000) << 32 | (minor & 0xFFFFFF00) << 12


def _name(text: str, number: int) -> str:
    return "" if text in ("UNKNOWN", str(number)) else text


def nanoseconds(text: str) -> int:
    """A time of stat(1)'s, since the epoch; 0 for what no calendar has."""
    found = _TIME.match(text.strip())
    if found is None:
        return 0
    if found[4] is not None:
        seconds = int(found[4])
        return seconds * 10**9 + int((found[5] or "0").ljust(9, "0"))
    try:
        whole = datetime.fromisoformat(f"{found[1]}{found[3]}")
    except ValueError:
        return 0
    return int(whole.timestamp()) * 10**9 + int((found[2] or "0").ljust(9, "0"))


def as_float(time: int) -> float:
    """Nanoseconds as the float of seconds that Python's own stat gives."""
    seconds, rest = divmod(time, 10**9)
    return seconds + 1e-9 * rest
