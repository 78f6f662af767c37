"""What a host has to copy files with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from opsrun.remote.files.scripts import LARGE, SUMS


class Tar(StrEnum):
    """Whose tar(1) it is."""

    GNU = "gnu"
    BUSYBOX = "busybox"
    BSD = "bsd"
    OTHER = "other"
    NONE = "none"


class Check(StrEnum):
    """How what was copied is compared."""

    SHA256 = "sha256"
    CKSUM = "cksum"
    """POSIX's CRC: finds accidents, and never says that nothing need be sent."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs of one host."""

    tar: Tar
    check: Check
    """The better of what there is."""
    fast: bool
    """openssl(1) for large files."""
    printf: bool
    """find(1) has ``-printf``: listings are exact to the nanosecond and take one process."""
    stat: bool
    """There is a stat(1): without it and without ``-printf`` nothing can be listed."""


SCRIPT = f"""\
{SUMS}{LARGE}tar=none
if command -v tar >/dev/null 2>&1; then
  case $(tar --version 2>&1 </dev/null) in
    *'GNU tar'*) tar=gnu ;;
    *[Bb]usy[Bb]ox*) tar=busybox ;;
    *bsdtar*|*libarchive*) tar=bsd ;;
    *) tar=other ;;
  esac
fi
fp=n
[ "$(find / -prune -printf x 2>/dev/null)" != x ] || fp=y
sf=n
if stat -c %f / >/dev/null 2>&1 || stat -f %Xp / >/dev/null 2>&1; then sf=y; fi
echo "tools $tar $fp $sf ${{sum%% *}}:${{big%% *}}"
"""


def parse_tools(words: list[str]) -> Tools:
    """What stands behind ``tools`` in the script's output."""
    tar, printf, stat, sums = words
    small, _, big = sums.partition(":")
    return Tools(
        tar=Tar(tar),
        check=Check.SHA256 if small else Check.CKSUM,
        fast=big == "openssl",
        printf=printf == "y",
        stat=stat == "y",
    )
