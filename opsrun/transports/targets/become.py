"""As whom a host's commands run: from variables and the command line to a `BecomeSpec`.

As with ansible-core a host's own variables win, of ``ansible_become_user`` and
``ansible_sudo_user`` (``_su_``, ``_doas_``) the latter, and nobody becomes who they are already.
"""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.errors import NotBuiltError, UsageError, did_you_mean
from opsrun.remote.become import METHODS, BecomeSpec, Method
from opsrun.secret import Secret
from opsrun.transports.targets.values import Variables, checked_user

_NOT_BUILT = (
    *("pbrun", "pfexec", "runas", "dzdo", "ksu", "machinectl", "pmrun", "sesu", "enable", "run0"),
)
_PREFIXES = ("ansible.builtin.", "ansible.legacy.", "community.general.")


@dataclass(frozen=True, slots=True)
class Become:
    """Commands run as another user: what holds for all hosts; a host's own variables win.

    >>> from opsrun import Become, Fleet
    >>> deploy = Become(user="deploy", method="su")
    >>> Fleet("web01,", become=deploy).options.become.user
    'deploy'

    Raises:
        UsageError: a value that can't be used.
    """

    user: str | None = None
    """None for root."""
    method: str | None = None
    """``sudo``, ``su`` or ``doas``; None for sudo."""
    password: Secret | None = None
    """The login user's for sudo, the other user's for su."""
    flags: str | None = None
    """Words for the method, in place of its own (``-H`` for sudo)."""
    exe: str | None = None
    """The program; None for the method's name."""
    everywhere: bool = True
    """On all hosts; False for those alone whose ``ansible_become`` says so."""

    def __post_init__(self) -> None:
        if self.user is not None:
            checked_user(self.user, "--become-user")
        if self.method is not None:
            checked_method(self.method, "--become-method")
        if self.password is not None:
            _checked_password(self.password, "the become password")


def become_spec(
    host_name: str,
    variables: Mapping[str, Any],
    defaults: Become | None,
    login_user: str | None,
    *,
    origin: Callable[[str], str] | None = None,
) -> BecomeSpec | None:
    """Whom to become on one host; None for nobody.

    Args:
        host_name: inventory name.
        variables: the host's.
        defaults: what holds for all hosts.
        login_user: who logs in; None where that is not known.
        origin: says where a variable was written, for messages.

    Raises:
        UsageError: a value that can't be used; variable and origin are in the message.
        NotBuiltError: a method that is not built.
    """
    known = Variables(host_name, variables, origin)
    said = defaults or Become(everywhere=False)
    name = known.last("ansible_become")
    if not (known.truth(name) if name else said.everywhere):
        return None
    name = known.last("ansible_become_method")
    method = (
        checked_method(known.text(name), known.place(name))
        if name
        else checked_method(said.method or "sudo", "--become-method")
    )
    user = _user(known, said, method)
    flags = _flags(known, said, method)
    if user == login_user and not flags:
        return None
    name = known.last("ansible_become_exe", f"ansible_{method}_exe")
    exe = known.text(name) if name else said.exe
    return BecomeSpec(method, user, _password(known, said, method), flags, exe)


def checked_method(text: str, place: str) -> Method:
    """The method of this name, which ``place`` names.

    Raises:
        UsageError: there is none.
        NotBuiltError: it is not built.
    """
    bare = text
    for prefix in _PREFIXES:
        bare = bare.removeprefix(prefix)
    for method in METHODS:
        if bare == method:
            return method
    if bare in _NOT_BUILT:
        raise NotBuiltError(f"{place}: the become method {text!r} is not built yet")
    guess = did_you_mean(bare, (*METHODS, *_NOT_BUILT))
    raise UsageError(f"{place}: there is no become method {text!r}{guess}")


def _user(known: Variables, said: Become, method: Method) -> str:
    name = known.last("ansible_become_user", f"ansible_{method}_user")
    if name:
        return checked_user(known.word(name), known.place(name))
    return said.user or "root"


def _flags(known: Variables, said: Become, method: Method) -> tuple[str, ...] | None:
    name = known.last("ansible_become_flags", f"ansible_{method}_flags")
    text = known.line(name) if name else said.flags
    if text is None:
        return None
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        place = known.place(name) if name else "become flags"
        raise UsageError(f"{place}: {text!r}: {str(error).lower()}") from None


def _password(known: Variables, said: Become, method: Method) -> Secret | None:
    name = known.last(
        "ansible_become_password",
        "ansible_become_pass",
        f"ansible_{method}_password",
        f"ansible_{method}_pass",
    )
    if name is None:
        return said.password
    return _checked_password(known.secret(name), known.place(name))


def _checked_password(password: Secret, place: str) -> Secret:
    text = password.reveal()
    if not text or any(char in text for char in "\n\r\0"):
        raise UsageError(f"{place}: it is empty, or holds a line's end or a NUL")
    return password


def myself() -> str | None:
    """The user of this process; None where it has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return None
