"""A text that takes the place of another one: whole, or not at all.

The script writes a temporary file beside the old one, with its owner, mode, ACLs and extended
attributes; makes sure that all has arrived and that it is valid; looks whether the old one is still
what was edited; and renames. A mount of its own can't be replaced: it is written into, where the
task allows that.
"""

from __future__ import annotations

import hashlib
import os.path
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from opsrun.modules.base import ModuleError
from opsrun.modules.looking import LOOK, Seen
from opsrun.modules.permissions import argument
from opsrun.modules.texts.reading import Text
from opsrun.modules.wording import path_word, word

_BEGIN = r"""
die() {
  printf '%s\n' "$*" >&2
  exit 1
}
fresh() { (trap '' HUP INT TERM && set -C && : >"$1") 2>/dev/null; }
inside=
# Between making a file and knowing of it nobody may end us: it would be left behind.
cut=
trap 'cut=y' HUP INT TERM
t=${f%/*}/.opsrun-$$
case $f in */*) ;; *) t=.opsrun-$$ ;; esac
if ! fresh "$t"; then
  if [ -n "$unsafe" ] && [ -f "$f" ]; then
    t=${TMPDIR:-/tmp}/.opsrun-$$
    inside=y
  fi
  if [ -z "$inside" ] || ! fresh "$t"; then
    (set -C && : >"$t")
    exit 1
  fi
fi
trap 'rm -f -- "$t" "$t.out"' EXIT
# Some shells that a signal ends take no leave otherwise.
trap 'exit 143' HUP INT TERM
[ -z "$cut" ] || exit 143
"""

_LIKE_THE_OLD = r"""
cp -p --attributes-only --preserve=all -- "$f" "$t" 2>/dev/null ||
  cp -p -- "$f" "$t" 2>/dev/null || :
chmod u+w -- "$t" 2>/dev/null || :
"""

_FILL = r"""
cat >"$t" || exit 1
[ "$(($(wc -c <"$t")))" -eq "$size" ] || die "$f: not all of the new content has arrived"
digested sha1 "$t"
[ -z "$x" ] || [ "$x" = "$sum" ] || die "$f: the new content arrived damaged"
"""

_STILL_THE_OLD = r"""
[ -f "$f" ] || die "$f is gone since it was read: nothing was written"
digested sha1 "$f"
[ -z "$x" ] || [ "$x" = "$old" ] || die "$f has changed since it was read: nothing was written"
"""

_STILL_NOTHING = r"""
[ ! -e "$f" ] || die "$f was made by somebody else meanwhile: nothing was written"
"""

_INVALID = r"""{
  r=$?
  [ -n "$e" ] || e=$(cat <"$t.out")
  say invalid "failed to validate: rc:$r error:$e"
  exit 0
}
"""

_PLACE = r"""
if [ -z "$inside" ]; then
  e=$(mv -f -- "$t" "$f" 2>&1) || {
    if [ -z "$unsafe" ] || [ ! -f "$f" ]; then
      case $e in
        *[Bb]usy*) die "$e (a mount of its own can be written into: unsafe_writes)" ;;
      esac
      die "$e"
    fi
    inside=y
  }
fi
if [ -n "$inside" ]; then
  # What is begun in place is ended, or the file is half of each.
  trap '' HUP INT TERM
  cat <"$f" >"$t.old" || {
    rm -f -- "$t.old"
    exit 1
  }
  cat <"$t" >"$f" || {
    cat <"$t.old" >"$f" && rm -f -- "$t.old"
    exit 1
  }
  rm -f -- "$t.old"
fi
"""


@dataclass(frozen=True, slots=True)
class Writing:
    """New content for a file that was read."""

    text: Text
    content: bytes
    backup: str = ""
    """Where the old content is kept; empty for nowhere."""
    validate: str = ""
    """A command, ``%s`` being the new file; not for a shell, but variables in it are replaced."""
    unsafe: bool = False

    def script(self) -> str:
        """What does it; its standard input is the new content.

        Raises:
            ModuleError: the command that validates has no place for the file.
        """
        return "".join(self._lines())

    def _lines(self) -> Iterator[str]:
        seen, wanted = self.text.seen, self.text.wanted
        check = list(self._validation())
        yield LOOK
        yield from self._folders()
        yield f"f={_operand(self.text.real)}\nunsafe={'y' if self.unsafe else ''}\n"
        yield f"size={len(self.content)} sum={_sum(self.content)}\n"
        yield f"{_BEGIN}{_LIKE_THE_OLD if seen.exists else ''}{_FILL}"
        yield from check
        yield from self._attributes()
        yield f"old={_sum(self.text.content)}{_STILL_THE_OLD}" if seen.exists else _STILL_NOTHING
        if self.backup:
            yield f'cp -p -- "$f" {argument(self.backup)} || exit\n'
        yield _PLACE
        # A file that was written into has not got what the new one would have had.
        change = "".join(wanted.against(seen).lines("@")) if seen.exists else ""
        if change:
            yield f'if [ -n "$inside" ]; then\n{_for_variable(change, "f")}fi\n'
        settling = "".join(wanted.settling("@", seen if seen.exists else fresh(self.text)))
        if settling:
            yield f'if [ -z "$inside" ]; then\n{_for_variable(settling, "f")}fi\n'
        yield "at after " + word(self.text.path) + " -L\n"

    def _folders(self) -> Iterator[str]:
        new = self.text.answers.every("new")[::-1]
        if new and not self.text.exists:
            yield f"umask {self.text.wanted.umask:03o}\n"
            for name in new:
                yield f"mkdir -- {argument(name)} || [ -d {argument(name)} ] || exit\n"
            yield "umask 077\n"

    def _attributes(self) -> Iterator[str]:
        seen, wanted = self.text.seen, self.text.wanted.plain
        was = seen if seen.exists else fresh(self.text)
        owners = [line for line in wanted.against(was).lines("@") if not line.startswith("chmod")]
        yield _for_variable("".join(owners), "t")
        mode = wanted.mode_for(was.mode, directory=False)
        yield f'chmod {mode:04o} -- "$t" || exit\n'

    def _validation(self) -> Iterator[str]:
        if not self.validate:
            return
        if "%s" not in self.validate:
            raise ModuleError(f"validate must contain %s: {self.validate}")
        try:
            words = shlex.split(self.validate)
        except ValueError as error:
            raise ModuleError(f"validate: {error}: {self.validate}") from error
        command = " ".join(_with_file(each) for each in words)
        # As data first: what a checker of scripts makes of the user's own words is not ours.
        yield f'set -- {command}\ne=$("$@" 2>&1 >"$t.out" </dev/null) || {_INVALID}'


def fresh(text: Text) -> Seen:
    """A file that will be made, before owner and mode are set."""
    me, us = text.answers.number("me"), text.answers.number("us")
    mode = 0o100666 & ~text.wanted.umask
    return Seen(text.real, mode, uid=me or 0, gid=us or 0)


def _with_file(text: str) -> str:
    """A word of a command with the file's name in it; ``%%`` is one percent sign."""
    parts = re.split(r"(%s|%%)", text)
    return "".join(
        '"$t"' if each == "%s" else "%" if each == "%%" else path_word(each) if each else ""
        for each in parts
    )


def _for_variable(lines: str, name: str) -> str:
    """Lines made for ``@``, which the shell knows by a variable."""
    return re.sub(r" @(?= )", f' "${name}"', lines)


def _operand(path: str) -> str:
    return word(f"./{path}" if not os.path.isabs(path) else path)


def _sum(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
