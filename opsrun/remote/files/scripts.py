"""Shell text that several scripts share. Tried with dash, bash, busybox ash and mksh.

What it stands on:

- ``cd -P`` leaves the physical path in ``PWD`` without a fork. A directory that has become a link
  somewhere else shows, and what is done in the working directory afterwards can't be led astray by
  a rename.
- Names are always ``./NAME``: no program takes one for an option. chmod(1) gets no ``--``: many
  take what stands behind the mode for a file, whatever it is (POSIX.1-2017, XBD 12.2).
- A function may have as many arguments as memory holds; what goes to a program comes in portions.
- ``printf`` is a builtin or a program; ``echo`` changes backslashes, so it gets none to see.
- What goes wrong is said in one line on stderr, ``opsrun CODE NUMBER WORDS``: the words are those
  of the tool, their first lines with tabs between, and the number says which of the names that the
  script was made from.
"""

from __future__ import annotations

from opsrun.remote.files.words import word

PRELUDE = """\
IFS=' \t
'
nl='
'
unset CDPATH POSIXLY_CORRECT TAR_OPTIONS
st=1
die() {
  m=$3
  for _ in 1 2 3; do
    case $m in *"$nl"*) m="${m%%"$nl"*}\t${m#*"$nl"}" ;; esac
  done
  printf '%s\\n' "opsrun $1 $2 ${m%%"$nl"*}" >&2
  exit "$st"
}
root() {
  cd -P -- "$1" 2>/dev/null || die top 0 "$(ls -d -- "${1%/}/." 2>&1 >/dev/null)"
  top=${PWD%/}
}
into() {
  cd -P -- "$top/$1" 2>/dev/null && [ "${PWD%/}" = "$top${1:+/$1}" ]
}
"""
"""``root DIR`` goes to the top of a tree; ``into NAME`` to a directory below it, over no link."""

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

OPENSSL = "openssl dgst -sha256 -r"

SUMS = f"""\
sums() {{ case $($1 </dev/null 2>/dev/null) in {EMPTY_SHA256}*) return 0 ;; esac; return 1; }}
sum=
for t in sha256sum '{OPENSSL}' 'shasum -a 256' 'sha256 -r' 'busybox sha256sum'; do
  if sums "$t"; then sum=$t; break; fi
done
"""
"""Sets ``sum`` to words that print SHA-256 digests, or to nothing."""

LARGE = f"""\
big=$sum
if [ "${{sum%% *}}" != openssl ] && sums '{OPENSSL}'; then big='{OPENSSL}'; fi
"""
"""Sets ``big`` to the words for large files. openssl(1) takes longer to start, and several times
less for each byte than most sha256sum(1)."""

LARGE_FILE = 16 * 1024 * 1024

CKSUM = """\
sum=
if command -v cksum >/dev/null 2>&1; then sum="cksum"; fi
big=$sum
"""
"""Sets ``sum`` and ``big`` to cksum(1), if it is there."""

ATTRIBUTES = """\
own() {
  a=$1
  shift
  e=$(chown -h -- "$a" "$@" 2>&1) || die attr "${d:-0}" "$e"
}
own_group() {
  a=$1
  shift
  e=$(chgrp -h -- "$a" "$@" 2>&1) || die attr "${d:-0}" "$e"
}
mode() {
  a=$1
  shift
  for f; do [ ! -h "$f" ] || die link "${d:-0}" "$f"; done
  e=$(chmod "$a" "$@" 2>&1) || die attr "${d:-0}" "$e"
}
stamp() {
  a=$1
  b=$2
  shift 2
  TZ=UTC0 touch -h -d "$a" -- "$@" 2>/dev/null && return
  TZ=UTC0 touch -h -t "$b" -- "$@" 2>/dev/null && return
  for f; do
    if [ ! -h "$f" ]; then e=$(TZ=UTC0 touch -t "$b" -- "$f" 2>&1) || die attr "${d:-0}" "$e"; fi
  done
}
"""
"""``own USER[:GROUP] NAME ...``, ``own_group``, ``mode`` and ``stamp``; ``$d`` is the number that
an error names. No link is followed."""


def at_top(top: bytes) -> str:
    """The prelude, and a first step to ``top``."""
    return f"{PRELUDE}root {word(top)}\n"
