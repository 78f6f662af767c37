"""What zypper prints with ``--xmlout``, and what its exit statuses mean (zypper(8)): pure.

Other programs write between its elements, so that the whole is not always XML: the elements that
matter are found one by one.
"""

from __future__ import annotations

import re
from html import unescape

from opsrun.modules.refusing import hint_of

_MESSAGE = re.compile(r'<message type="error">(.*?)</message>', re.DOTALL)
_PROBLEM = re.compile(r"<description>\s*(Problem: .*?)\s*</description>", re.DOTALL)
_UNSIGNED = re.compile(r"<text>([^<]*? is unsigned), continue\?</text>")
_SUMMARY = re.compile(r"<install-summary\b[^>]*>")
_COUNT = re.compile(r'packages-to-change="(\d+)"')
_SOLVABLE = re.compile(r"<to-[a-z-]+>\s*<solvable ")
_SOLUTION = re.compile(r"\n Solution \d+:.*", re.DOTALL)

NO_REPOSITORIES, LOCKED, REBOOT, AGAIN, UNKNOWN, SKIPPED, SCRIPT = 6, 7, 102, 103, 104, 106, 107

_MEANING = {
    1: "a bug of zypper's own",
    5: "that takes root",
    NO_REPOSITORIES: "no repositories are defined: zypper_repository adds one",
    LOCKED: "another process holds the lock; with ZYPP_LOCK_TIMEOUT in environment it is waited "
    "for, so many seconds",
    8: "zypper verify shows whether dependencies are broken now",
    105: "a signal ended it",
    SKIPPED: "a repository was left out, all others were used",
    SCRIPT: "the packages are there, but a script of theirs failed: see /var/log/zypp/history, and "
    "skip_post_errors",
}
_ROOM = {
    "more space on the": "that file system is full: of that package nothing was installed",
    "Can't hardlink/copy": "is there room in /var/cache/zypp?",
}
_REMARKS = {
    REBOOT: "the host has to be rebooted for what was installed",
    AGAIN: "zypper itself was changed: it has to be run once more for the rest",
    SCRIPT: "a script of a package that was installed failed",
}


def would_change(printed: str) -> bool:
    """Whether a transaction that was printed had anything in it."""
    for summary in _SUMMARY.findall(printed):
        count = _COUNT.search(summary)
        if count is not None and int(count[1]):
            return True
        if count is None and _SOLVABLE.search(printed):
            return True
    return False


def why(printed: str, errors: str, rc: int) -> str:
    """Why a command of zypper's failed, in its own words, with what they may mean.

    Args:
        printed: to standard output.
        errors: to standard error.
        rc: its exit status.
    """
    found = [unescape(_SOLUTION.sub("", each)) for each in _PROBLEM.findall(printed)]
    found += [unescape(each) for each in (*_UNSIGNED.findall(printed), *_MESSAGE.findall(printed))]
    words = "\n".join(dict.fromkeys(each.strip() for each in found)) or errors.strip()
    # rpm's own words may stand in what was typed to it, and not in a message.
    room = next((hint for sign, hint in _ROOM.items() if sign in words), "")
    hints = [room or hint_of(f"{words}\n{printed}\n{errors}"), _MEANING.get(rc, "")]
    hint = "; ".join(filter(None, hints))
    told = words or f"zypper ended with exit status {rc}"
    return f"{told} ({hint})" if hint else told


def succeeded(rc: int, *, scripts_may_fail: bool) -> bool:
    """Whether an exit status is one of success, though it tells something."""
    return rc in (0, REBOOT, AGAIN) or (rc == SCRIPT and scripts_may_fail)


def remark(rc: int) -> tuple[str, ...]:
    """What is to be told of a success."""
    return (_REMARKS[rc],) if rc in _REMARKS else ()
