"""Passphrases: asked for once, when a server was found that takes the key, whoever needs it."""

from __future__ import annotations

from collections.abc import Callable

from opsrun.engine.base import Engine
from opsrun.secret import Ask
from opsrun.transports.credentials.files import KeyFile, Unusable, WrongPassphrase, unlock

_BEFORE = ("", "wrong; ", "wrong again; ")
"""What each question begins with. Three, as ssh: NumberOfPasswordPrompts in ssh_config(5)."""


class Passphrases:
    """One question at a time, and none twice.

    Hosts that need the same key wait for the one that asks. They wait without a connection: an
    operator may take longer than the server's ``LoginGraceTime``, and connections that have not
    logged in count against its ``MaxStartups``.

    Args:
        engine: what the waiting is done with.
        ask: asks for them.
        notify: takes a sentence for the operator.
    """

    def __init__(self, engine: Engine, ask: Ask, notify: Callable[[str], None]) -> None:
        self._engine = engine
        self._turn = engine.semaphore(1)
        self._ask = ask
        self._notify = notify

    def unlock(self, found: KeyFile, given_up: Callable[[], bool]) -> bool:
        """Have the key of a file decrypted; whether it is.

        A key whose passphrase is not to be had is done without for the rest of the run, and said.

        Args:
            found: a file that was found encrypted.
            given_up: whether nobody waits for the key any more.
        """
        self._turn.acquire()
        try:
            if found.encrypted and not found.refused and not given_up():
                self._unlock(found, given_up)
        finally:
            self._turn.release()
        return not found.encrypted

    def _unlock(self, found: KeyFile, given_up: Callable[[], bool]) -> None:
        for wrong in _BEFORE:
            said = self._ask(f"{wrong}passphrase for {found.path}: ", given_up)
            if not said:
                break
            try:
                # Deriving the key takes long on purpose, and must not stop the other hosts.
                self._engine.offload(unlock, found, said)
            except WrongPassphrase:
                found.problem = "wrong passphrase"
            except Unusable as error:
                found.problem = str(error)
                break
            else:
                return
        if given_up():
            return
        found.refused = True
        self._notify(f"key {found.path}: {found.problem}; going on without it")
