"""Users and groups of a host: how they are looked up, and which tools change them.

The entries are those of passwd(5), group(5) and shadow(5). Where there is no getent(1), the files
of these names are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from opsrun.modules.base import ModuleError
from opsrun.modules.wording import word

ENTRY = r"""
entry() {
  if [ -z "$local" ] && command -v getent >/dev/null 2>&1; then
    getent "$1" "$2" 2>/dev/null
  elif [ -r "/etc/$1" ]; then
    while IFS= read -r l || [ -n "$l" ]; do
      case $l in "$2":*) printf '%s\n' "$l" ;; esac
    done <"/etc/$1"
  fi
}
entries() {
  if [ -z "$local" ] && command -v getent >/dev/null 2>&1; then
    getent "$1" 2>/dev/null
  elif [ -r "/etc/$1" ]; then
    cat "/etc/$1"
  fi
}
"""
"""``entry passwd NAME`` and ``entries group``; wants ``local``, empty for all name services."""

TOOLS = """\
has() { command -v "$1" >/dev/null 2>&1; }
lack() {
  echo "there is no $1 on this host" >&2
  exit 127
}
"""
"""``has TOOL``, and ``lack TOOL`` for where it is needed; `where_from` adds to its words."""

_NUL_OR_LINE = re.compile(r"[\0\n:]")


def checked(name: str, what: str) -> str:
    """A name that can stand in an entry. ModuleError: it can't."""
    if not name or name.startswith("-") or _NUL_OR_LINE.search(name):
        raise ModuleError(f"{name!r} can't be the name of a {what}")
    return name


def entry_of(text: str, name: str) -> list[str] | None:
    """The fields of the entry of that name: a number is a name here, and not an identity."""
    for line in text.splitlines():
        fields = line.split(":")
        if fields[0] == name:
            return fields
    return None


def either(tools: Iterable[tuple[str, str]], lacking: str) -> str:
    """The first of several tools that there is.

    Args:
        tools: name, and the line that uses it.
        lacking: what to name where there is none.
    """
    lines = []
    sign = "if"
    for tool, line in tools:
        lines.append(f"{sign} has {tool}; then\n  {line} || exit\n")
        sign = "elif"
    lines.append(f"else\n  lack {lacking}\nfi\n")
    return "".join(lines)


def command(*words: str | int | Sequence[str] | None) -> str:
    """Words of a command, quoted; None and empty sequences are left out."""
    flat: list[str] = []
    for each in words:
        if each is None:
            continue
        flat += [str(each)] if isinstance(each, (str, int)) else list(each)
    return " ".join(map(word, flat))
