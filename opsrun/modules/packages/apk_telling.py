"""What apk prints (apk(8)), and how it names packages: pure."""

from __future__ import annotations

import re

from opsrun.modules.refusing import explained, hint_of

_NAME = re.compile(r"!?([^<>=~@]*)")
_TOUCHED = re.compile(
    r"^\(\d+/\d+\) (?:Purging|Installing|Upgrading|Downgrading|Replacing|Re-?installing) (\S+)",
    re.MULTILINE,
)
_SUM = re.compile(r"^OK: .*$", re.MULTILINE)
_HINTS = (
    ("Unable to lock database", "another apk is at work on that host, or that takes root"),
    ("UNTRUSTED signature", "its key has to be in /etc/apk/keys"),
    ("BAD signature", "the repository is damaged, or not the one whose key is in /etc/apk/keys"),
    ("missing repository tags", "a line `@tag URL` in /etc/apk/repositories says what a tag is"),
    ("not removed due to", "what stands behind the colon needs it: remove that, too"),
    ("temporary error", "apk did not reach the repository: is the name known there?"),
    (
        "no such package",
        "is it in one of the repositories? update_cache: true renews what is known of them",
    ),
)


def bare(spec: str) -> str:
    """The name in what an entry of the world says.

    >>> [bare(each) for each in ("a", "a=1.0-r0", "a>1", "a~1", "a@edge", "!a")]
    ['a', 'a', 'a', 'a', 'a', 'a']
    """
    found = _NAME.match(spec)
    return found[1] if found else spec


def touched(printed: str) -> list[str]:
    """The packages that came, went or were replaced, in apk's order.

    >>> touched("(1/2) Installing gamma (1.0-r0)\\n(2/2) Purging a (1-r0)\\nOK: 1 MiB")
    ['gamma', 'a']
    """
    return _TOUCHED.findall(printed)


def remarks(printed: str) -> tuple[str, ...]:
    """What apk warned of while it renewed indexes, and went on: a repository that is left out."""
    lines = [each.removeprefix("WARNING: ") for each in printed.splitlines() if "WARNING: " in each]
    return tuple(f"{each}{_behind(each)}" for each in dict.fromkeys(lines))


def why(errors: str, printed: str, rc: str) -> str:
    """Why apk failed, in its own words, with what they may mean.

    Args:
        errors: to standard error.
        printed: to standard output.
        rc: its exit status.
    """
    words = explained(errors) or _SUM.sub("", printed).strip() or f"apk ended with exit status {rc}"
    return words if hint_of(words) else f"{words}{_behind(words)}"


def _behind(words: str) -> str:
    hint = next((hint for sign, hint in _HINTS if sign in words), "")
    return f" ({hint})" if hint else ""
