"""tempfile: a file or directory of a new name, for its owner alone."""

from __future__ import annotations

import secrets
import string

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.permissions import described
from opsrun.modules.requests import Run
from opsrun.modules.wording import path_word, word

_LETTERS = string.ascii_lowercase + string.digits + "_"
_ATTEMPTS = 5

# mktemp(1) is no part of POSIX, and not all of them take a suffix. ``set -C`` has the shell open
# what isn't there yet, or fail.
_MAKE = """\
case $d in
  '') for d in "${TMPDIR-}" "${TEMP-}" "${TMP-}" /tmp /var/tmp /usr/tmp .; do
    if [ -n "$d" ] && [ -d "$d" ] && [ -w "$d" ]; then break; fi
  done ;;
esac
made=
umask 077
for n in $names; do
  f=${d%/}/$prefix$n$suffix
  if [ -e "$f" ] || [ -h "$f" ]; then continue; fi
  if [ -n "$folder" ]; then e=$(mkdir -- "$f" 2>&1); else e=$( (set -C; : >"$f") 2>&1); fi && {
    made=$f
    break
  }
done
if [ -z "$made" ]; then
  printf '%s\\n' "${e:-no name was free in $d}" >&2
  exit 1
fi
at made "$made"
"""


@module("tempfile")
class Tempfile(Module):
    """Make an empty file or directory of a name that nothing had."""

    checks = False

    state: str = option("file", choices=("directory", "file"), doc="What is made.")
    path: str | None = option(kind="path", doc="In which directory; where such things usually are.")
    prefix: str = option("ansible.", doc="What its name begins with.")
    suffix: str = option("", doc="What its name ends with.")

    def steps(self, context: Context) -> Steps:
        """One script."""
        for name, text in (("prefix", self.prefix), ("suffix", self.suffix)):
            if "/" in text:
                raise ModuleError(f"{name}: {text!r} holds a slash")
        names = " ".join(_name() for _ in range(_ATTEMPTS))
        head = f"d={'' if self.path is None else path_word(self.path)}\n"
        head += f"prefix={word(self.prefix)}\nsuffix={word(self.suffix)}\nnames='{names}'\n"
        head += f"folder={'y' if self.state == 'directory' else ''}\n"
        answer = yield Run(f"{LOOK}{head}{_MAKE}")
        made = Answers(answer).seen("made")
        return ModuleResult(True, data={"path": made.path, **described(made)})


def _name() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(8))
