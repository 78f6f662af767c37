"""Which files can't hold what an expression matches: found out on the host, by grep(1).

What an expression means is Python's to say. But of most it can be told that every text they match
has one of a few plain words in it: files without any of them need not come here. The words are
ASCII, without ends of lines, so that it makes no difference which of the usual encodings a file is
in, and how its lines end.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

_MOST = 32
"""Words that files are looked through for at once."""

_FOLDED = "iks"
"""Letters that differ only in case from some that are no ASCII."""

_PLAIN = re.compile(r"utf-8|utf-8-sig|ascii|iso8859-\d+|cp125\d|koi8-[rtu]")
"""Encodings, by Python's names, in which ASCII is ASCII, and nothing else looks like it."""


@dataclass(frozen=True, slots=True)
class Words:
    """One of them is in every text that matches."""

    texts: tuple[str, ...]
    caseless: bool
    """Upper and lower case are the same."""


def required(expression: re.Pattern[str], encoding: str = "utf-8") -> Words | None:
    """Words that a file has one of, where a part of it matches; None where that can't be told.

    Args:
        expression: of text.
        encoding: of the file; has to be one that Python knows.
    """
    if _PLAIN.fullmatch(codecs.lookup(encoding).name) is None:
        return None
    try:
        parsed: Any = import_module("re._parser").parse(expression.pattern, expression.flags)
    except (ImportError, re.error):
        return None
    found = _sequence(parsed, bool(expression.flags & re.IGNORECASE))
    if found is None:
        return None
    caseless = any(folded for _, folded in found)
    return Words(tuple(sorted({text for text, _ in found})), caseless)


_Some = frozenset[tuple[str, bool]] | None


def _sequence(nodes: Iterable[tuple[Any, Any]], caseless: bool) -> _Some:
    """Of nodes that match one behind the other: the best that one of them, or a run, has."""
    best: _Some = None
    run = ""
    for node, given in nodes:
        if str(node) == "LITERAL" and _stands(given, caseless):
            run += chr(given)
            continue
        best = _better(_better(best, _word(run, caseless)), _node(str(node), given, caseless))
        run = ""
    return _better(best, _word(run, caseless))


def _stands(code: int, caseless: bool) -> bool:
    """Whether a character stands for itself in every file."""
    letter = chr(code)
    if caseless and letter.lower() in _FOLDED:
        return False
    return letter.isascii() and letter not in "\n\r\0"


def _word(run: str, caseless: bool) -> _Some:
    return frozenset({(run, caseless)}) if run else None


def _better(one: _Some, other: _Some) -> _Some:
    if one is None or other is None:
        return one or other
    return other if _worth(other) > _worth(one) else one


def _worth(some: frozenset[tuple[str, bool]]) -> tuple[int, int]:
    return min(len(text) for text, _ in some), -len(some)


def _node(node: str, given: Any, caseless: bool) -> _Some:
    if node == "SUBPATTERN":
        _, added, removed, inner = given
        return _sequence(inner, bool((caseless or added & re.I) and not removed & re.I))
    if node in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, _, inner = given
        return _sequence(inner, caseless) if least > 0 else None
    if node == "ATOMIC_GROUP":
        return _sequence(given, caseless)
    if node == "BRANCH":
        return _either([_sequence(each, caseless) for each in given[1]])
    return None


def _either(ways: list[_Some]) -> _Some:
    found: frozenset[tuple[str, bool]] = frozenset()
    for each in ways:
        if each is None:
            return None
        found |= each
    return found if len(found) <= _MOST else None


SIEVE = """\
export words fold zero
some='
exec </dev/null
sieve() { LC_ALL=C grep -sl$fold$zero -F -e "$words" -- "$@"; }
o=$(sieve "$@")
if [ $? -gt 1 ]; then
  for f; do
    shift
    if [ -r "$f" ]; then set -- "$@" "$f"; else printf "%s\\n" "$f"; fi
  done
  [ $# -gt 0 ] || exit 0
  o=$(sieve "$@")
  if [ $? -gt 1 ]; then o=$(printf "%s\\n" "$@"); fi
fi
[ -z "$o" ] || printf "%s\\n" "$o"
'
each='
exec </dev/null
for f; do
  { tr "\\0" "\\n" <"$f" || printf "\\n%s\\n" "$words"; } 2>/dev/null |
    LC_ALL=C grep -q$fold -F -e "$words" 2>/dev/null
  [ $? -eq 1 ] || printf "%s\\n" "$f"
done
:
'
# Some see of a line what is before its first NUL.
zero=none
for try in '' z; do
  if printf 'a\\0b\\n' | LC_ALL=C grep -q$try -F -e b 2>/dev/null; then
    zero=$try
    break
  fi
done
[ "$zero" != none ] || some=$each
"""
"""``xargs -0 sh -c "$some" sh`` prints those of the files that may have one of ``$words`` in them
(a line each; in any case, with ``fold`` being ``i``), one name a line; ``$each`` has no more of a
file in memory than a line. Wants names without newlines. What can't be read may have them."""
