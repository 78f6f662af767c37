"""Kinds of archives: what they begin with, and what the host unpacks them with."""

from __future__ import annotations

from dataclasses import dataclass

from opsrun.modules.base import ModuleError
from opsrun.modules.looking import Answers
from opsrun.modules.packages import holding, missing


@dataclass(frozen=True, slots=True)
class Kind:
    """One of them."""

    name: str
    flag: str
    """Of tar(1), for its compression; empty for none."""
    program: str
    """Does the compression."""


ZIP = Kind("zip", "", "unzip")
KINDS = {
    "gz": Kind("gz", "-z", "gzip"),
    "bz2": Kind("bz2", "-j", "bzip2"),
    "xz": Kind("xz", "-J", "xz"),
    "zst": Kind("zst", "--zstd", "zstd"),
    "tar": Kind("tar", "", "tar"),
    "zip": ZIP,
}

# What a file begins with (magic(5)); of a tar archive the word stands at byte 257. An old one has
# none, and is left to tar(1).
_KIND = """\
kind=
case $(od -An -tx1 -N 6 <"$a" | tr -d ' \\n') in
  1f8b*) kind=gz ;;
  425a68*) kind=bz2 ;;
  fd377a585a00) kind=xz ;;
  28b52ffd*) kind=zst ;;
  504b0304* | 504b0506* | 504b0708*) kind=zip ;;
  *) kind=tar ;;
esac
say kind "$kind"
"""
TOOLS = """\
tar=
for t in gtar tar; do
  if command -v $t >/dev/null 2>&1; then tar=$t; break; fi
done
gnu=
case $($tar --version 2>/dev/null) in
  *GNU*) gnu=y; say excludes y ;;
  *bsdtar*) say excludes y ;;
esac
say tar "$tar" gnu "$gnu"
for t in zip unzip gzip bzip2 xz zstd; do
  if command -v $t >/dev/null 2>&1; then say "has.$t" y; fi
done
"""
"""Tells of the tools that there are; wants `LOOK`."""

TELL = f"{_KIND}{TOOLS}"
"""Tells of the archive ``$a``, too."""


def kind_of(answers: Answers) -> Kind:
    """The kind that `TELL` told of. ModuleError: the host lacks what it takes."""
    kind = KINDS[answers.text("kind")]
    if kind is not ZIP and not answers.text("tar"):
        raise ModuleError(missing("tar"))
    if kind.name != "tar" and answers.get(f"has.{kind.program}") is None:
        words = f"there is no {kind.program} on this host, which a {kind.name} archive takes"
        raise ModuleError(f"{words}: {holding(kind.program)}")
    return kind
