"""A text file of the host, read whole before it is edited."""

from __future__ import annotations

from dataclasses import dataclass, replace

from opsrun.modules.base import ModuleError
from opsrun.modules.looking import LOOK, Answers, Seen
from opsrun.modules.permissions import Wanted, Wish
from opsrun.modules.placing import SURROUNDINGS, WHO
from opsrun.modules.wording import path_word
from opsrun.remote.command import CommandResult
from opsrun.remote.phrases import phrase

LIMIT = 64 * 1024 * 1024
"""Bytes of a file that is still edited."""

_MARK = b"content\0\0"
_END = b"\0end"

_READ = phrase(r"""
read_text() {
  at path "$path" -L
  f=$path
  if [ -h "$path" ]; then
    r=
    [ ! -e "$path" ] || r=$(readlink -f -- "$path" 2>/dev/null && echo x)
    r=${r%?x}
    if [ -z "$r" ] || [ -h "$r" ]; then
      # Of what leads to nothing yet, busybox's readlink -f goes by its own directory.
      r=$path n=0
      while [ -h "$r" ] && [ "$n" -lt 40 ]; do
        t=$(readlink "$r" && echo x)
        t=${t%?x}
        case $t in
          /*) r=$t ;;
          *) case $r in */*) r=${r%/*}/$t ;; *) r=$t ;; esac ;;
        esac
        n=$((n + 1))
      done
      [ ! -h "$r" ] || r=
    fi
    f=${r:-$path}
    say link y
  fi
  say real "$f"
  case $f in
    */*) d=${f%/*} ;;
    *) d=. ;;
  esac
  d=${d:-/}
  above
  if [ -f "$path" ]; then
    say content ""
    cat <"$path" && printf '\0end'
  fi
}
""")


@dataclass(frozen=True, slots=True)
class Text:
    """A file that is to be edited, as it was when the host was asked."""

    path: str
    """With homes and variables in it replaced; links as they are."""
    real: str
    """Where it is written to: what links lead to."""
    seen: Seen
    """What is at ``real``; nothing, perhaps."""
    content: bytes
    wanted: Wanted
    """Mode and owner that the task asks for."""
    answers: Answers
    src: str = ""
    """The directory whose files it is made of, if it is."""
    made: bytes = b""
    """What they make."""

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return self.seen.exists


def read_script(path: str, wish: Wish, *, stamp: bool = True) -> str:
    """A script that tells of a file, and prints it.

    Args:
        path: where.
        wish: what is to become of it.
        stamp: whether to ask for what the name of a backup ends with.
    """
    path_line = f"{wish.asking()}path={path_word(path)}\n"
    who = SURROUNDINGS if stamp else WHO
    return f"{LOOK}{_READ}{path_line}{who}{wish.script()}read_text\n"


def parse_read(answer: CommandResult, wish: Wish, *, check: bool, follow: bool = True) -> Text:
    """What that script told.

    Args:
        answer: of the script.
        wish: the same.
        check: a user may be missing that an earlier task makes.
        follow: whether what a link leads to is written to; else a file takes the link's place.

    Raises:
        ModuleError: the file can't be read, is none, or is not there to its end: a piece of a file
            is never edited. Its owner is not known there.
    """
    if answer.truncated:
        raise ModuleError(f"the file has more than {LIMIT >> 20} MiB")
    head, found, content = answer.stdout.partition(_MARK)
    if found and not (answer.ok and content.endswith(_END)):
        raise ModuleError.of(answer, "the file can't be read")
    answers = Answers(replace(answer, stdout=head))
    seen = answers.seen("path", lenient=True)
    if seen.is_dir:
        raise ModuleError(f"Path {seen.path} is a directory !", rc=256)
    if seen.exists and not found:
        raise ModuleError(f"{seen.path} is no regular file: it can't be edited")
    real = answers.text("real") if follow else seen.path
    if follow and real == seen.path and answers.get("link"):
        raise ModuleError(f"{seen.path} is a link that leads nowhere")
    return Text(
        seen.path,
        real,
        replace(seen, path=real),
        content.removesuffix(_END),
        wish.resolved(answers, check=check),
        answers,
    )
