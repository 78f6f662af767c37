"""Which keys does a host have: key exchanges alone, one for each type, and nobody logs in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from paramiko.message import Message
from paramiko.ssh_exception import SSHException

from opsrun.errors import ConnectionFailed
from opsrun.transports.ssh.client import SSHShared, route_to
from opsrun.transports.ssh.jump import Bastions
from opsrun.transports.ssh.link import Link
from opsrun.transports.targets.target import SSHTarget

_KEY_TYPES = {"rsa-sha2-512": "ssh-rsa", "rsa-sha2-256": "ssh-rsa"}
"""Types of key, where the algorithms that sign with them have other names (RFC 8332)."""

_COOKIE = 16
"""Bytes before the lists of a KEXINIT (RFC 4253 section 7.1)."""


class _ScanLink(Link):
    """A link that stops after the key exchange, and asks for certain host keys.

    ``only`` are the algorithms to ask for; none asks for any.
    """

    def __init__(self, *args: Any, only: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        if only:
            self._preferred_keys = tuple(only)
        self.algorithms = self._preferred_keys
        self.offered: tuple[str, ...] = ()
        """Host key algorithms that the server has, in its order."""

    def _parse_kex_init(self, m: Message) -> None:
        ahead = Message(m.get_remainder())
        ahead.get_bytes(_COOKIE)
        ahead.get_list()
        self.offered = tuple(ahead.get_list())
        super()._parse_kex_init(m)


class KeyScan:
    """Asks one host for its keys. Neither a user name nor a credential is sent to it.

    A jump host on the way is logged in to, as ever.
    """

    def __init__(self, target: SSHTarget, shared: SSHShared, bastions: Bastions | None) -> None:
        self._target = target
        self._shared = shared
        self._turn = shared.turn(target.host)
        self._route = route_to(target, shared, bastions, self._turn)
        self._link: _ScanLink | None = None
        self._closed = False

    def run(self) -> list[tuple[str, bytes]]:
        """Type and blob of each key, the server's proof that it has it checked.

        Types that the server lacks, or that are not known here, are not among them.

        Raises:
            ConnectionFailed: with the phase that did not end well.
        """
        link, kind, blob = self._exchange(())
        found = {kind: blob}
        wanted: dict[str, list[str]] = {}
        for algorithm in link.algorithms:
            if algorithm in link.offered:
                wanted.setdefault(_KEY_TYPES.get(algorithm, algorithm), []).append(algorithm)
        for key_type, algorithms in wanted.items():
            if key_type not in found:
                _, kind, blob = self._exchange(algorithms)
                found[kind] = blob
        return list(found.items())

    def _exchange(self, only: Sequence[str]) -> tuple[_ScanLink, str, bytes]:
        with self._turn.handshake():
            return self._exchanged(only)

    def _exchanged(self, only: Sequence[str]) -> tuple[_ScanLink, str, bytes]:
        sock = self._route.open()
        try:
            link = self._link = self._linked(sock, only)
            if self._closed:
                raise ConnectionFailed("given up", host=self._target.host, phase="kex")
            link.start_client()
            # Asked for before we hang up: paramiko forgets it then.
            key = link.get_remote_server_key()
            return link, key.get_name(), key.asbytes()
        except (SSHException, EOFError, OSError) as error:
            words = str(error) or type(error).__name__
            raise ConnectionFailed(words, host=self._target.host, phase="kex") from error
        finally:
            self._hang_up()

    def _linked(self, sock: Any, only: Sequence[str]) -> _ScanLink:
        trace = self._shared.trace and partial(self._shared.trace, self._target.host)
        engine, log = self._shared.engine, self._shared.log
        return _ScanLink(sock, self._target, engine, (), trace, log=log, only=only)

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
        self._route.hang_up()

    def close(self) -> None:
        """Give up whatever is under way; safe from any other task."""
        self._closed = True
        self._turn.abort()
        self._hang_up()
        self._route.abort()
