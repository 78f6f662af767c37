"""What ``apt`` sends: a look at dpkg's database, and the calls of apt-get."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opsrun.modules.looking import LOOK
from opsrun.modules.packages.debian_names import FORMAT, Wanted
from opsrun.modules.wording import path_word, word

ENVIRONMENT = """\
export LC_ALL=C DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical
export APT_LISTCHANGES_FRONTEND=none APT_LISTBUGS_FRONTEND=none
umask 022
"""
"""What asks nobody, and answers in words that are known."""

_LOOK = f"""\
{LOOK}
command -v apt-get >/dev/null || {{ echo 'there is no apt-get on this host' >&2; exit 1; }}
stamp() {{
  for f in /var/lib/apt/periodic/update-success-stamp /var/lib/apt/lists; do
    if [ -e "$f" ]; then say stamp "$(stat -c %Y "$f")"; return; fi
  done
}}
known() {{ dpkg-query -W -f='{FORMAT}' "$@" 2>/dev/null; }}
apart() {{
  native=$(dpkg --print-architecture)
  apt-cache pkgnames "${{1%%[*?[]*}}" | while IFS= read -r n; do
    # shellcheck disable=SC2254 # a pattern
    case $n in $1)
      i=$(dpkg-query -W -f='${{Architecture}} ${{db:Status-Status}}|' "$n" 2>/dev/null)
      case "|$i" in
        *"|$native installed|"* | *'|all installed|'*) [ "$2" = missing ] || echo "$n" ;;
        *) if apt-cache policy "$n" | grep -q 'Candidate: [^(]'; then echo "$n"; fi ;;
      esac ;;
    esac
  done
}}
stands() {{
  dpkg-query -W -f='${{db:Status-Status}} , ${{Provides}} ,\\n' 2>/dev/null | grep '^installed ' |
    grep -F -q -e ", $1 ," -e ", $1," -e ", $1 (" || return 1
  ! apt-cache policy "$1" | grep -q 'Candidate: [^(]'
}}
"""
"""``apart PATTERN missing`` prints the packages of such names that are not installed, with ``all``
those that are, too; ``stands NAME`` is whether no package is called so, but one that is installed
provides it."""

_RUNS = """\
t=
for d in /run /dev/shm "${TMPDIR:-/tmp}"; do
  if t=$(mktemp -d "$d/.apt.XXXXXX" 2>/dev/null); then break; fi
done
if [ -z "$t" ]; then echo 'there is no room for a temporary file' >&2; exit 1; fi
rc_d=/usr/sbin/policy-rc.d
saved=
tidy() {
  if [ "$saved" = none ]; then rm -f "$rc_d"; fi
  if [ "$saved" = kept ]; then mv -f "$rc_d.before" "$rc_d"; fi
  saved=
  rm -rf "$t"
}
trap tidy EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP
locked() {
  case $1 in
    *'get lock'* | *'Unable to lock'* | *'acquire the dpkg'* | *'database is locked'*) return 0 ;;
  esac
  return 1
}
# A lock is waited for here: apt-get has a time for one of them alone, and older ones for none.
tried() {
  k=$1
  shift
  while :; do
    o=$("$@" 2>"$t/err" </dev/null && printf x0 || printf 'x%s' "$?")
    s=${o##*x}
    e=$(cat "$t/err" && printf x)
    if [ "$s" -eq 0 ] || [ "$waited" -ge "$limit" ] || ! locked "$e"; then break; fi
    sleep 1
    waited=$((waited + 1))
  done
  say rc "$s" out "${o%x*}" err "${e%x}" step "$k"
  return "$s"
}
update() {
  n=0
  while :; do
    n=$((n + 1))
    o=$(apt-get -y -q -o APT::Update::Error-Mode=any "$@" update 2>"$t/err" </dev/null &&
      printf x0 || printf 'x%s' "$?")
    s=${o##*x}
    e=$(cat "$t/err" && printf x)
    case $e in
      *'W: Failed to fetch'* | *'W: Some index files failed'*) if [ "$s" -eq 0 ]; then s=100; fi ;;
    esac
    if [ "$s" -eq 0 ]; then break; fi
    if locked "$e" && [ "$waited" -lt "$limit" ]; then
      n=$((n - 1))
      sleep 1
      waited=$((waited + 1))
      continue
    fi
    if [ "$n" -ge "$tries" ]; then break; fi
    d=$((1 << n))
    if [ "$d" -gt "$delay" ]; then d=$delay; fi
    sleep "$d"
  done
  say rc "$s" out "${o%x*}" err "${e%x}" step update
  return "$s"
}
least() {
  v=$(apt-cache policy "$1" | sed -n 's/^  Candidate: //p')
  if [ -n "$v" ] && dpkg --compare-versions "$v" ge "$2"; then return 0; fi
  say refused "there is no $1 that is at least $2: what can be had is ${v:-nothing}"
  return 1
}
# apt-get takes a name that is none for a regular expression, or for what is to be removed.
exist() {
  p=$(apt-cache policy "$@" 2>/dev/null)
  s=0
  for n; do
    case "$nl$p" in *"$nl$n:$nl"*) ;; *) say unknown "$n"; s=1 ;; esac
  done
  return "$s"
}
forced() {
  if [ -e "$rc_d" ] || [ -h "$rc_d" ]; then
    mv -f "$rc_d" "$rc_d.before" || return 1
    saved=kept
  else
    saved=none
  fi
  printf '#!/bin/sh\\nexit %s\\n' "$1" >"$rc_d" && chmod 755 "$rc_d"
}
left() {
  say waited "$waited" audit "$(dpkg --audit 2>/dev/null)" any "$(apt-cache pkgnames | head -n 1)"
  for n; do
    n=${n%%=*}
    if ! apt-cache show --no-all-versions "${n%%:*}" >/dev/null 2>&1; then
      b=${n%"${n#??}"}
      say near "$(apt-cache pkgnames "$b" | head -n 3000)"
    else
      say versions "$n" list "$(apt-cache madison "$n" | awk '{ print $3 }')"
    fi
  done
}
"""
"""``tried STEP WORDS...`` calls apt-get until no lock is in its way, ``update`` as often as is
asked, and ``left NAMES...`` tells what a failure left, and what there is beside what was asked."""

_DEB = """\
deb() {
  f=$1
  case $f in
    *://*)
      f=$t/package.deb
      if command -v curl >/dev/null; then
        e=$(curl -fsSL ${insecure:+-k} -o "$f" -- "$1" 2>&1)
      elif command -v wget >/dev/null; then
        e=$(wget -nv ${insecure:+--no-check-certificate} -O "$f" -- "$1" 2>&1)
      else
        e='there is no curl on this host'
        false
      fi || { say refused "$1: $e"; return 1; } ;;
  esac
  if e=$(dpkg-deb -f "$f" Package Version Architecture 2>&1 >"$t/told"); then :; else
    say refused "$e"
    return 1
  fi
  n=$(sed -n 's/^Package: //p' "$t/told")
  v=$(sed -n 's/^Version: //p' "$t/told")
  a=$(sed -n 's/^Architecture: //p' "$t/told")
  if [ "$a" = all ]; then a=; fi
  i=$(dpkg-query -W -f='${db:Status-Status} ${Version}' "$n${a:+:$a}" 2>/dev/null)
  case $i in
    "installed $v") say same "$n"; return 0 ;;
    'installed '*)
      if [ -z "$lower" ] && dpkg --compare-versions "${i#* }" gt "$v"; then
        say refused "$n ${i#* } is installed, which is later than $v: allow_downgrade: true \
allows that"
        return 1
      fi ;;
  esac
  shift
  case $f in /*) ;; *) f=$PWD/$f ;; esac
  # What fetches packages as a user of its own could not read a folder of root's.
  tried install "$@" -o APT::Sandbox::User=root install "$f"
}
"""
"""``deb PATH-OR-URL apt-get OPTIONS...``: nothing is done where that version is there."""


def looking(wanted: Sequence[Wanted], state: str) -> str:
    """A script that tells what dpkg knows of these, how old the lists are, and what time it is."""
    lines = [_LOOK, "export LC_ALL=C\nIFS=\n"]
    lines.append('say native "$(dpkg --print-architecture)" now "$(date +%s)"\nstamp\n')
    lines.append(
        "for f in /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb; do\n"
    )
    lines.append('  if [ -e "$f" ]; then say clean y; break; fi\ndone\n')
    if wanted:
        names = " ".join(dict.fromkeys(word(each.called) for each in wanted))
        lines.append(f'say known "$(known {names})"\n')
    if state == "present":
        lines += (_standing(each) for each in wanted if not each.wild)
        lines += (
            f'say pattern {word(each.name)} missing "$(apart {word(each.name)} missing)"\n'
            for each in wanted
            if each.wild
        )
    return "".join(lines)


def _standing(wanted: Wanted) -> str:
    name = word(wanted.called)
    return f"""\
case "|$(dpkg-query -W -f='${{db:Status-Status}}|' {name} 2>/dev/null)" in
  *'|installed|'*) ;;
  *) if stands {word(wanted.name)}; then say stands {name}; fi ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done, in one script."""

    limit: int
    """Seconds to wait for locks, in all."""
    update: tuple[int, int] | None = None
    """Attempts, and seconds between them at most; None for no update."""
    options: Sequence[str] = ()
    """Of every apt-get."""
    verb: Sequence[str] = ()
    """``install``, ``dist-upgrade`` … with options of its own; empty for none."""
    names: Sequence[str] = ()
    patterns: Sequence[str] = ()
    """Names with wildcards, which are looked up when the lists are new."""
    every: bool = False
    """Whether that includes what is installed."""
    deb: str = ""
    lower: bool = False
    insecure: bool = False
    after: Sequence[str] = ()
    """What is called behind that: ``autoclean``, ``clean``."""
    least: Sequence[tuple[str, str]] = ()
    """Names, and versions that they are to have at least."""
    exist: Sequence[str] = ()
    """Names that have to be known before anything is done."""
    policy: int | None = None
    """What policy-rc.d is to say meanwhile."""

    def script(self, *, check: bool) -> str:
        """The whole; in check mode nothing is other than before."""
        return "".join(self._lines(check))

    def _lines(self, check: bool) -> Iterator[str]:
        yield f"{_LOOK}{ENVIRONMENT}{_RUNS}IFS=\nnl='\n'\nlimit={self.limit}\nwaited=0\nwork() {{\n"
        yield f"lower={'y' if self.lower else ''}\ninsecure={'y' if self.insecure else ''}\n"
        if self.update and not check:
            tries, delay = self.update
            words = self._words(self._settings())
            yield f"tries={tries}\ndelay={delay}\nupdate {words} || return\n"
        if self.policy is not None and not check:
            yield f"forced {self.policy} || return\n"
        call = ["apt-get", *(["-s"] if check else []), "-y", *self.options]
        if self.deb:
            yield f"deb {path_word(self.deb)} {self._words(call)} || return\n"
        elif self.verb:
            yield from self._main(call)
        for each in self.after:
            yield f"tried {each} {self._words([*call, each])} || return\n"
        yield "}\n"
        if self.deb:
            yield _DEB
        yield f"work || left {self._words(self.names)}\nstamp\nexit 0\n"

    def _main(self, call: Sequence[str]) -> Iterator[str]:
        if self.exist:
            yield f"exist {self._words(self.exist)} || return\n"
        for name, version in self.least:
            yield f"least {word(name)} {word(version)} || return\n"
        words = self._words([*call, *self.verb, *self.names])
        if not self.patterns:
            yield f"tried {self.verb[0].lstrip('-')} {words} || return\n"
            return
        yield "set --\n"
        for each in self.patterns:
            which = "all" if self.every else "missing"
            yield 'IFS="\n"\nset -f\n# shellcheck disable=SC2046 # split at lines\n'
            yield f'set -- "$@" $(apart {word(each)} {which})\nset +f\nIFS=\n'
        some = "true" if self.names else '[ "$#" -gt 0 ]'
        yield f'if {some}; then tried install {words} "$@" || return; fi\n'

    def _settings(self) -> tuple[str, ...]:
        """Of the options those that every verb takes: ``update`` refuses what is for packages."""
        pairs = zip(self.options, self.options[1:], strict=False)
        return tuple(word for one, other in pairs if one == "-o" for word in (one, other))

    @staticmethod
    def _words(words: Sequence[str]) -> str:
        return " ".join(map(word, words))


def updating(tries: int, delay: int, limit: int = 60) -> str:
    """What renews the lists, for `apt_telling.told`; ``$s`` is zero behind it if that went well.

    Args:
        tries: attempts.
        delay: seconds between them, at most.
        limit: seconds to wait for a lock.
    """
    return (
        f"{_LOOK}{_RUNS}IFS=\nlimit={limit}\nwaited=0\ntries={tries}\ndelay={delay}\n"
        "s=0\nupdate -q || { s=100; left; }\nstamp\n"
    )
