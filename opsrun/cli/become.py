"""What ``-b``, ``-K`` and their kin add up to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from opsrun.cli.passwords import password_of
from opsrun.errors import UsageError
from opsrun.secret import Secret, note

if TYPE_CHECKING:
    from opsrun.cli.options import Reach
    from opsrun.transports.targets.become import Become

Ask = Callable[[str], Secret | None]


def become_of(reach: Reach, ask: Ask) -> Become | Literal[False]:
    """Whom commands become; without ``-b``, only hosts whose variables say so become anybody.

    Args:
        reach: the options.
        ask: asks on the terminal; None where there is none.

    Raises:
        UsageError: a value that can't be used, or there is no password to be had.
    """
    password = _password(reach, ask)
    if not (reach.become or reach.become_user or reach.become_method or password):
        return False
    from opsrun.transports.targets.become import Become

    return Become(reach.become_user, reach.become_method, password, everywhere=reach.become)


def _password(reach: Reach, ask: Ask) -> Secret | None:
    if reach.ask_become_pass and reach.become_password_file is not None:
        raise UsageError("-K and --become-password-file both say where the password comes from")
    if reach.become_password_file is not None:
        return password_of(reach.become_password_file, "--become-password-file")
    if not reach.ask_become_pass:
        return None
    answer = ask("BECOME password: ")
    if answer is None:
        raise UsageError("-K asks for a password, and there is no terminal to ask on")
    note(answer.reveal())
    return answer
