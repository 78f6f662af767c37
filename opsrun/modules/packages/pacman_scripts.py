"""What pacman is asked, and in which order: POSIX sh, for pacman(8) 5 and newer.

Everything is one script, as what there is to be done may depend on databases that it renews
first. Lists are text with a newline behind each entry; the shell splits at those alone.
"""

from __future__ import annotations

BEGIN = r"""
LC_ALL=C
export LC_ALL
nl='
'
set -f
IFS=$nl
rc=0
p() { "$t" @BASE@ "$@" </dev/null; }
line() {
  case "$nl$1$nl" in *"$nl$2$nl"*) return 0 ;; esac
  return 1
}
listed() {
  case "$nl$1" in *"$nl$2 "*) return 0 ;; esac
  return 1
}
no() {
  say why "$1" out "$x" rc "$rc" after "$(p --query 2>/dev/null)"
  exit 0
}
told() { for w in "$t" @BASE@ "$@"; do say cmd "$w"; done; }
"""
"""``$t`` is pacman. ``line LIST ENTRY``; ``listed LIST NAME``, of lines that begin with names."""

SCRATCH = r"""
c=$(mktemp -d) || exit
trap 'rm -rf -- "$c"' EXIT
d=$(pacman-conf @PLACES@ DBPath 2>/dev/null)
d=${d:-@ROOT@/var/lib/pacman/}
b=$(p --sync --list 2>/dev/null)
[ ! -d "$d" ] || ln -s "${d%/}/local" "$c/local"
p() { "$t" @BASE@ --dbpath "$c" --logfile /dev/null "$@" </dev/null; }
"""
"""In check mode databases are renewed in a place of their own, beside what is there."""

FRESH = r"""
x=$(p --sync --refresh @MORE@) || {
  rc=$?
  told --sync --refresh @MORE@
  no 'could not update package db'
}
a=$(p --sync --list 2>/dev/null)
say fresh "$x"
[ "$a" = "$b" ] || say other y
"""

QUERY = r"""
q=$(p --query 2>&1) || {
  rc=$?
  case $q in *error:*) x=$q; no 'packages can not be listed' ;; esac
}
say query "$q"
u=$(p --query --upgrades 2>/dev/null)
"""

UPGRADE = r"""
say older "$u"
"""

SYSTEM = r"""
s=
for w in $u; do case $w in *'[ignored]') ;; *) s=y ;; esac; done
if [ -n "$s" ]; then
  told --sync --sysupgrade --quiet --noconfirm --noprogressbar @MORE@
  x=$(p --sync --sysupgrade --quiet --noconfirm --noprogressbar @MORE@) || {
    rc=$?
    no 'Could not upgrade'
  }
  say ran "$x"
fi
"""

FIND = r"""
S=''
F=''
A=''
N=''
one() {
  A=$A$2$nl
  if ! listed "$q" "$2" || [ -n "$3" ]; then
    N=$N$2$nl
    S=$S$1$nl
  elif [ -n "$latest" ] && listed "$u" "$2"; then
    S=$S$1$nl
  fi
}
find() {
  if listed "$q" "$1"; then one "$1" "$1" ''; return; fi
  if x=$(p --sync --groups --quiet -- "$1" 2>/dev/null) && [ -n "$x" ]; then
    for w in $x; do one "$w" "$w" ''; done
    return
  fi
  unmet=
  case $1 in
    *[\<\>=]*) p --deptest -- "$1" >/dev/null 2>&1 || unmet=y ;;
  esac
  if x=$(p --sync --nodeps --nodeps --print-format %n -- "$1" 2>/dev/null); then
    one "$1" "${x%%"$nl"*}" "$unmet"
    return
  fi
  e=$(p --sync --print-format %n -- "$1" 2>&1)
  x=$(p --upgrade --nodeps --nodeps --print-format '%n %v' -- "$2" 2>&1) || {
    rc=$?
    told --sync --print-format %n -- "$1"
    case $1 in */* | *.pkg.tar*) e=$x ;; esac
    x=$e
    no "Failed to list package $1"
  }
  x=${x##*"$nl"}
  A=$A${x%% *}$nl
  if ! line "$q" "$x"; then
    F=$F$2$nl
    listed "$q" "${x%% *}" || N=$N${x%% *}$nl
  fi
}
"""
"""``find NAME FILE`` adds to ``$S`` what pacman is to get, to ``$F`` files, to ``$N`` the names of
those that are not there, and to ``$A`` all names."""

INSTALL = r"""
plan() {
  x=$(p @FLAGS@ "$@") || { rc=$?; told @FLAGS@ "$@"; no 'Failed to list package(s) to install'; }
  say plan "$x"
}
[ -z "$S" ] || plan --sync --print-format '%n %v' -- $S
[ -z "$F" ] || plan --upgrade --print-format '%n %v' -- $F
e=$(p --query --explicit 2>/dev/null)
for w in @NAMES@; do
  if listed "$e" "$w"; then k=explicit; else k=dependency; fi
  listed "$q" "$w" || k=
  [ "$k" = '@REASON@' ] || R=$R$w$nl
done
say explicit "$e" marked "$R"
"""

GO = r"""
go() {
  x=$(p "$@") || { rc=$?; told "$@"; no 'Failed to install package(s)'; }
  say ran "$x"
}
[ -z "$S" ] || go @FLAGS@ --sync -- $S
[ -z "$F" ] || go @FLAGS@ --upgrade -- $F
[ -z "$R" ] || go --noconfirm --database @AS@ -- $R
"""

LOSE = r"""
R=
lose() {
  if listed "$q" "$1"; then R=$R$1$nl; return; fi
  if x=$(p --query --groups --quiet -- "$1" 2>/dev/null) && [ -n "$x" ]; then R=$R$x$nl; return; fi
  case $1 in
    *[\<\>=]*) p --deptest -- "$1" >/dev/null 2>&1 || return ;;
  esac
  x=$(p --sync --nodeps --nodeps --print-format %n -- "$1" 2>/dev/null) ||
    x=$(p --upgrade --nodeps --nodeps --print-format %n -- "$2" 2>/dev/null) || return
  for w in $x; do if listed "$q" "$w"; then R=$R$w$nl; fi; done
}
"""
"""``lose NAME FILE`` adds to ``$R`` what is there of it."""

REMOVE = r"""
if [ -n "$R" ]; then
  x=$(p --remove @FLAGS@ --print-format %n-%v -- $R) || {
    rc=$?
    told --remove @FLAGS@ --print-format %n-%v -- $R
    no 'failed to list package(s) to remove'
  }
  say plan "$x"
fi
"""

GONE = r"""
if [ -n "$R" ]; then
  x=$(p --remove @FLAGS@ @SAVE@ -- $R) || {
    rc=$?
    told --remove @FLAGS@ @SAVE@ -- $R
    no 'failed to remove package(s)'
  }
  say ran "$x"
fi
"""
