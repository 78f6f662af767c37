"""stat: what is known of a path."""

from __future__ import annotations

import os.path
import re
import stat
from collections.abc import Iterator
from typing import Any

from opsrun.modules.base import Context, Module, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers, Seen, as_float
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word

ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")

_MORE = r"""
if [ -r "$p" ]; then say may.r y; fi
if [ -w "$p" ]; then say may.w y; fi
if [ -x "$p" ]; then say may.x y; fi
"""
_SOURCE = r"""
if [ -h "$p" ] && [ -e "$p" ]; then
  t=$(readlink -f -- "$p" 2>/dev/null && echo x)
  say source "${t%?x}"
fi
"""
_MIME = r"""
if [ -e "$p" ] && m=$(file -i -- "$p" 2>/dev/null); then say mime "$m"; fi
"""
_ATTRIBUTES = r"""
if a=$(lsattr -vd -- "$p" 2>/dev/null); then say attributes "${a%% /*}"; fi
"""

KINDS = {
    "isdir": stat.S_ISDIR,
    "ischr": stat.S_ISCHR,
    "isblk": stat.S_ISBLK,
    "isreg": stat.S_ISREG,
    "isfifo": stat.S_ISFIFO,
    "islnk": stat.S_ISLNK,
    "issock": stat.S_ISSOCK,
}
BITS = {
    "wusr": stat.S_IWUSR,
    "rusr": stat.S_IRUSR,
    "xusr": stat.S_IXUSR,
    "wgrp": stat.S_IWGRP,
    "rgrp": stat.S_IRGRP,
    "xgrp": stat.S_IXGRP,
    "woth": stat.S_IWOTH,
    "roth": stat.S_IROTH,
    "xoth": stat.S_IXOTH,
    "isuid": stat.S_ISUID,
    "isgid": stat.S_ISGID,
}
_FLAGS = {
    "A": "noatime",
    "a": "append",
    "c": "compressed",
    "C": "nocow",
    "d": "nodump",
    "D": "dirsync",
    "e": "extents",
    "E": "encrypted",
    "h": "blocksize",
    "i": "immutable",
    "I": "indexed",
    "j": "journalled",
    "N": "inline",
    "s": "zero",
    "S": "synchronous",
    "t": "notail",
    "T": "blockroot",
    "u": "undelete",
    "X": "compressedraw",
    "Z": "compresseddirty",
}
"""What the letters of chattr(1) are called in results."""


# A link in circles, or one to where nobody may look, is another thing than one to nothing.
_LEADS_NOWHERE = """\
if [ -h "$p" ] && [ ! -e "$p" ]; then
  e=$(ls -dL -- "$p" 2>&1 >/dev/null) || gone "$e" || say path.why "$e"
fi
"""


@module("stat")
class Stat(Module):
    """Say what is known of a path: kind, size, owner, permissions, times, checksum."""

    ahead = True

    path: str = option(required=True, kind="path", aliases=("dest", "name"), doc="Where.")
    follow: bool = option(False, doc="Whether to tell of what a link points to.")
    get_checksum: bool = option(True, doc="Whether to make a checksum of a file.")
    checksum_algorithm: str = option(
        "sha1", choices=ALGORITHMS, aliases=("checksum", "checksum_algo"), doc="Which one."
    )
    get_mime: bool = option(
        True, aliases=("mime", "mime_type", "mime-type"), doc="Whether to ask file(1)."
    )
    get_attributes: bool = option(True, aliases=("attr", "attributes"), doc="And lsattr(1).")
    get_selinux_context: bool = option(False, doc="Whether to tell of the SELinux context.")

    def steps(self, context: Context) -> Steps:
        """One script that reads."""
        answer = yield Run("".join(self._script()), effect="reads")
        answers = Answers(answer)
        seen = answers.seen("path")
        if not seen.exists:
            return ModuleResult(data={"stat": {"exists": False}})
        return ModuleResult(data={"stat": dict(self._told(seen, answers))})

    def _script(self) -> Iterator[str]:
        yield f"{LOOK}p={path_word(self.path)}\n"
        yield f'at path "$p"{" -L" if self.follow else ""}\n{_MORE}'
        yield _LEADS_NOWHERE if self.follow else ""
        if self.get_checksum:
            yield 'if [ -f "$p" ] && [ -r "$p" ]; then '
            yield f'digested {self.checksum_algorithm} "$p"; say checksum "$x"; fi\n'
        yield "" if self.follow else _SOURCE
        yield _MIME if self.get_mime else ""
        yield _ATTRIBUTES if self.get_attributes else ""
        if self.get_selinux_context:
            yield 'say context "$(stat -c %C -- "$p" 2>/dev/null)"\n'

    def _told(self, seen: Seen, answers: Answers) -> Iterator[tuple[str, Any]]:
        yield "exists", True
        yield "path", seen.path
        yield "mode", f"{seen.mode:04o}"
        for name, holds in KINDS.items():
            yield name, holds(seen.raw_mode)
        yield from (("uid", seen.uid), ("gid", seen.gid), ("size", seen.size))
        yield from (("inode", seen.inode), ("dev", seen.device), ("nlink", seen.links))
        for name, time in (("atime", seen.atime), ("mtime", seen.mtime), ("ctime", seen.ctime)):
            yield name, as_float(time)
        for name, bit in BITS.items():
            yield name, bool(seen.mode & bit)
        yield from (("blocks", seen.blocks), ("block_size", seen.block_size))
        yield "device_type", seen.rdev
        for name, letter in (("readable", "r"), ("writeable", "w"), ("executable", "x")):
            yield name, answers.get(f"may.{letter}") is not None
        yield from self._links(seen, answers)
        yield from (("pw_name", seen.user),) if seen.user else ()
        yield from (("gr_name", seen.group),) if seen.group else ()
        checksum = answers.text("checksum")
        if checksum and seen.is_file:
            yield "checksum", checksum
        if self.get_mime:
            yield from _mime(answers.text("mime"), seen.path)
        if self.get_attributes:
            yield from _attributes(answers.get("attributes"))
        if self.get_selinux_context:
            context = answers.text("context")
            yield "selinux_context", context.split(":", 3) if ":" in context else [None] * 4

    def _links(self, seen: Seen, answers: Answers) -> Iterator[tuple[str, Any]]:
        if seen.is_link and seen.target is not None:
            beside = os.path.join(os.path.dirname(seen.path), seen.target)
            yield "lnk_source", answers.text("source") or os.path.normpath(beside)
            yield "lnk_target", seen.target


def _mime(line: str, path: str) -> Iterator[tuple[str, str]]:
    found = re.search(r": *([^:;]*/[^:;]*); charset=(\S*)\s*\Z", line.removeprefix(path))
    yield "mimetype", found[1].strip() if found else "unknown"
    yield "charset", found[2] if found else "unknown"


def _attributes(told: str | None) -> Iterator[tuple[str, Any]]:
    words = (told or "").split()
    flags = words[1].replace("-", "") if len(words) > 1 else ""
    yield "version", words[0] if words else None
    yield "attributes", [_FLAGS[letter] for letter in flags if letter in _FLAGS]
    yield "attr_flags", flags
