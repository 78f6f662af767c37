"""How a shell is started as another user: scripts for sudo(8), su(1) and doas(1).

Two shells take part. The outer one, the login user's, says that the method is about to start,
so that nothing that came before can be taken for its words. The inner one is the other user's: it
says on both streams that it is there, and runs nothing before it is told to go on. Whatever ends
the dialogue earlier, the script has not run.

No mark stands in any argument as it is printed: each is written in two halves, so that a method
that quotes its command line in an error says nothing by it.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import Literal, get_args

from opsrun.remote.connection import TAG
from opsrun.remote.framing import new_mark
from opsrun.remote.wording import without_specials
from opsrun.secret import Secret

Method = Literal["sudo", "su", "doas"]
METHODS: tuple[Method, ...] = get_args(Method)

MISSING = "missing"
"""Said behind the outer mark where there is no such program."""

_SUDO_FLAGS = ("-H",)
_LOGIN_LONG = ("--login", "--shell")
_OURS_LONG = ("--stdin", "--non-interactive")
_BARE = re.compile(r"-[AbBEeHiknNPSsv]+\Z")
"""Letters of sudo's that take no value."""


@dataclass(frozen=True, slots=True)
class BecomeSpec:
    """As whom a shell is to run, and how it gets there."""

    method: Method = "sudo"
    user: str = "root"
    password: Secret | None = None
    flags: tuple[str, ...] | None = None
    """Further words for the method, in place of its defaults (``-H`` for sudo)."""
    exe: str | None = None
    """The program; None for the method's name, as PATH has it."""
    timeout: float = 9.5
    """Seconds for the whole dialogue."""

    @property
    def program(self) -> str:
        """What is looked for on the host."""
        return self.exe or self.method


@dataclass(frozen=True, slots=True)
class Marks:
    """Random words of one dialogue, 128 bits each."""

    outer: str = field(default_factory=new_mark)
    prompt: str = field(default_factory=new_mark)
    inner: str = field(default_factory=new_mark)
    go: str = field(default_factory=new_mark)


_OUTER = """\
command -v {exe} >/dev/null 2>&1 || {{ echo {mark} {missing} >&2; exit 127; }}
was=-
case ${{LC_ALL-}} in ""|*[!A-Za-z0-9_.@-]*) ;; *) was=x$LC_ALL ;; esac
LC_ALL=C
export LC_ALL
echo {mark} >&2
exec {words}
"""

_INNER = """\
l=
{{ read -r l </proc/self/stat; }} 2>/dev/null
s=$1 w=${{2-}}
set -- - ${{l##*)}}
echo {mark}
echo {mark} $$ ${{21-}} ${{5-}} >&2
read -r g && [ "$g" = {go} ] || {{ echo "opsrun: standard input is cut off" >&2; exit 126; }}
case $w in x*) LC_ALL=${{w#x}}; export LC_ALL ;; *) unset LC_ALL ;; esac
{tag}exec /bin/sh -c "$s"
"""


def start_script(spec: BecomeSpec, marks: Marks, script: str, tag: str = "") -> str:
    """What the login user's shell is to run, so that ``script`` runs as the other user.

    The password is no part of it.

    Args:
        spec: who is to become whom.
        marks: random words, never used before.
        script: what is to run.
        tag: see `Manner.tag`; sudo lets no variable through that it doesn't know.
    """
    export = f"{TAG}={tag}; export {TAG}\n" if tag else ""
    inner = _INNER.format(mark=_halved(marks.inner), go=_halved(marks.go), tag=export)
    words, arguments = _method(spec, marks, inner, script)
    outer = _OUTER.format(
        exe=shlex.quote(spec.program), mark=_halved(marks.outer), missing=MISSING, words=words
    )
    return "exec " + shlex.join(["/bin/sh", "-c", outer, "sh", *arguments])


def _method(spec: BecomeSpec, marks: Marks, inner: str, script: str) -> tuple[str, tuple[str, ...]]:
    """The outer shell's last command, and its own positional parameters."""
    shell = '/bin/sh -c "$1" sh "$2" "$was"'
    if spec.method == "doas":
        words = (spec.program, "-n", "-u", spec.user, *(spec.flags or ()))
        return f"{shlex.join(words)} {shell}", (inner, script)
    if spec.method == "su":
        # The other user's own shell reads this, of whatever family it is.
        command = "exec " + shlex.join(["/bin/sh", "-c", inner, "sh", script])
        words = (spec.program, *(spec.flags or ()), spec.user)
        return f'{shlex.join(words)} -c "$1 $was"', (command,)
    head = shlex.join((spec.program, *_sudo_words(spec, marks), "-u", spec.user, "--"))
    if _through_a_login_shell(spec.flags or ()):
        command = shlex.join(["/bin/sh", "-c", inner, "sh", script])
        return f'{head} /bin/sh -c "$1"', (_without_dollars(f"exec {command}"),)
    return f"{head} {shell}", (inner, script)


def _sudo_words(spec: BecomeSpec, marks: Marks) -> list[str]:
    flags = [_without_ours(flag) for flag in (_SUDO_FLAGS if spec.flags is None else spec.flags)]
    ask = ["-S", "-p", marks.prompt] if spec.password else ["-n"]
    return [*(flag for flag in flags if flag), *ask]


def _without_ours(flag: str) -> str:
    """Without ``-n`` and ``-S``: which of them is right depends on there being a password."""
    if flag in _OURS_LONG:
        return ""
    if not _BARE.match(flag):
        return flag
    rest = flag.replace("n", "").replace("S", "")
    return "" if rest == "-" else rest


def _through_a_login_shell(flags: tuple[str, ...]) -> bool:
    return any(
        flag in _LOGIN_LONG or (_BARE.match(flag) and ("i" in flag or "s" in flag))
        for flag in flags
    )


def _without_dollars(command: str) -> str:
    # sudo -i and -s hand the command to a shell with everything escaped but dollar signs.
    return f"eval \"`printf %b '{without_specials(command)}'`\""


def _halved(mark: str) -> str:
    return f"{mark[:16]}''{mark[16:]}"
