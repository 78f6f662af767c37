"""What sudo, su and doas say when they don't let us become somebody, and what to do about it.

They are run under ``LC_ALL=C``, so these are their words wherever the host stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from opsrun.remote.become_script import BecomeSpec

PASSWORD_HINT = "give it with -K, --become-password-file or ansible_become_password"
WRONG_HINT = "it was sent once, and not tried again"

_TTY = "let sudoers say !requiretty for this user"
_NO_TERMINAL = "opsrun gives it no terminal: that is not built yet"


@dataclass(frozen=True, slots=True)
class _Refusal:
    says: re.Pattern[str]
    means: str
    hint: str = ""


def _refusal(says: str, means: str, hint: str = "") -> _Refusal:
    return _Refusal(re.compile(says, re.IGNORECASE), means, hint)


_SUDO = (
    _refusal(
        "you must have a tty|no tty present|a terminal is required",
        "sudo wants a terminal (requiretty)",
        _TTY,
    ),
    _refusal(
        "incorrect password attempt|no password was provided|sorry, try again",
        "wrong password for sudo",
        WRONG_HINT,
    ),
    _refusal("a password is required", "sudo needs a password", PASSWORD_HINT),
    _refusal(
        "not in the sudoers file|may not run sudo",
        "the login user is not in the sudoers file",
        "add it there, or log in as another user (-u)",
    ),
    _refusal(
        r"not allowed to (execute|run)",
        "sudoers doesn't allow the login user a shell as {user}",
        "it has to allow /bin/sh, or ALL",
    ),
    _refusal("unknown (user|uid)|invalid user", "there is no user {user}"),
    _refusal(
        "no new privileges|effective uid is not 0|must be setuid root|must be owned by uid 0",
        "sudo can't gain privileges there",
        "is it setuid root, and is that allowed in this container or on this file system?",
    ),
    _refusal(
        "account validation failure|account (or password )?(is |has )?expired|password expired",
        "the login user's account doesn't allow sudo",
    ),
)
_SU = (
    _refusal("must be run from a terminal|must be a tty", "su wants a terminal", _NO_TERMINAL),
    _refusal(
        "does not exist|unknown (id|user|login)|no passwd entry|invalid user",
        "there is no user {user}",
    ),
    _refusal(
        "authentication failure|incorrect password|^(su: )?sorry", "wrong password for {user}"
    ),
    _refusal("permission denied", "su doesn't allow the login user to become {user}"),
    _refusal(
        "account is (currently )?not available",
        "{user} has no login shell",
        "use sudo, or ansible_become_flags: -s /bin/sh",
    ),
)
_DOAS = (
    _refusal(
        "(authentication|authorization) (required|failed)|a tty is required",
        "doas needs a password",
        f"it reads one from a terminal only; {_NO_TERMINAL}. Let doas.conf say nopass, or use sudo",
    ),
    _refusal(
        "operation not permitted|not permitted",
        "doas.conf doesn't allow the login user a shell as {user}",
    ),
    _refusal("unknown user", "there is no user {user}"),
    _refusal("not installed setuid", "doas can't gain privileges there"),
    _refusal("doas is not enabled", "doas is not set up", "there is no doas.conf"),
)
_ANY = (
    _refusal(
        r"(illegal|invalid|unrecognized) option|^usage:",
        "{program} doesn't take these flags",
        "see ansible_become_flags",
    ),
)
_BY_METHOD = {"sudo": _SUDO, "su": _SU, "doas": _DOAS}


def explain(spec: BecomeSpec, said: str, how: str, *, answered: bool) -> tuple[str, str]:
    """Message and hint for what a method said before it ended.

    Args:
        spec: who was to become whom.
        said: the method's words.
        how: how it ended, as part of a sentence.
        answered: it was given the password.
    """
    for refusal in (*_BY_METHOD[spec.method], *_ANY):
        if refusal.says.search(said):
            if spec.method == "su" and "wrong password" in refusal.means:
                return _su_failed(spec, answered=answered)
            message = refusal.means.format(user=spec.user, program=spec.program)
            return message, refusal.hint
    lines = [line for line in said.splitlines() if line.strip()]
    words = f": {lines[-1].strip()[:200]}" if lines else ""
    return f"{spec.program} ended with {how}{words}", ""


def _su_failed(spec: BecomeSpec, *, answered: bool) -> tuple[str, str]:
    if answered:
        return f"wrong password for {spec.user}", WRONG_HINT
    return f"su doesn't allow the login user to become {spec.user}", ""
