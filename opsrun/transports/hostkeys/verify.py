"""Is this the host's key? What follows from known_hosts' verdict, for one target.

A host on another port than 22 that is unknown under ``[name]:port`` is looked for under its bare
name too, as OpenSSH does; there only ``ok`` counts and, beyond OpenSSH, ``revoked``.

``--host-key-checking off`` doesn't look at all, not even for changed and revoked keys, and records
nothing; that is told once.
"""

from __future__ import annotations

from opsrun.errors import HostKeyError
from opsrun.transports.hostkeys.known import KnownHosts, Status, Verdict
from opsrun.transports.hostkeys.lines import fingerprint
from opsrun.transports.targets.target import SSHTarget

__all__ = [
    "KnownHosts",
    "Status",
    "Verdict",
    "WrongKeyType",
    "fingerprint",
    "known_key_types",
    "names_of",
    "verify",
]


class WrongKeyType(HostKeyError):
    """The host is on record, with keys of other types only.

    Worth one more connection with ``known_types`` preferred: a server shows one of its keys.
    """

    known_types: tuple[str, ...] = ()


def names_of(target: SSHTarget) -> tuple[str, ...]:
    """The names under which known_hosts may list a target, the proper one first."""
    proper = target.lookup_name.lower()
    if target.host_key_alias or target.port == 22:
        return (proper,)
    return (proper, target.address.lower())


_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")}
"""Signature algorithms of a type of key, where they have other names (RFC 8332)."""


def known_key_types(target: SSHTarget, known: KnownHosts) -> tuple[str, ...]:
    """The host key algorithms for which a key is on record, to be preferred in the key exchange.

    None where keys are not checked. Named as in the key exchange: ``rsa-sha2-512`` for ``ssh-rsa``.
    """
    if target.host_key_checking == "off":
        return ()
    types = known.for_files(target.known_hosts).key_types(names_of(target))
    return tuple(name for kind in types for name in _ALGORITHMS.get(kind, (kind,)))


def verify(target: SSHTarget, known: KnownHosts, key_type: str, blob: bytes) -> str:
    """Let a host's key pass, or raise.

    Under ``accept-new`` an unknown key is recorded; a changed or revoked one never passes.

    Returns:
        Which key it is, and the line that says so.

    Raises:
        HostKeyError: phase ``hostkey``, with fingerprints, and file and line where there are any.
    """
    shown = f"{key_type} {fingerprint(blob)}"
    if target.host_key_checking == "off":
        known.tell("host keys are not checked (--host-key-checking off): a host may be anybody")
        return f"{shown} is not checked"
    known = known.for_files(target.known_hosts)
    verdict = known.check(names_of(target), key_type, blob)
    if verdict.status is Status.UNKNOWN and target.host_key_checking == "accept-new":
        verdict = _accept(target, known, key_type, blob)
    if verdict.status is Status.OK:
        return f"{shown} is on record in {verdict.entry.place if verdict.entry else '?'}"
    if verdict.status is Status.REVOKED:
        raise _revoked(target, verdict, shown)
    if verdict.status is Status.CHANGED:
        raise _changed(target, verdict, key_type, shown)
    raise _unknown(target, verdict, shown)


def _accept(target: SSHTarget, known: KnownHosts, key_type: str, blob: bytes) -> Verdict:
    name = names_of(target)[0]
    try:
        return known.add(name, key_type, blob, hashed=target.hash_known_hosts)
    except ValueError as error:
        raise HostKeyError(str(error), host=target.host, phase="hostkey") from error


def _revoked(target: SSHTarget, verdict: Verdict, shown: str) -> HostKeyError:
    place = verdict.entry.place if verdict.entry else "?"
    return HostKeyError(
        f"{target.lookup_name} showed {shown}, which {place} marks as revoked",
        host=target.host,
        phase="hostkey",
        hint="whoever holds that key may not be the host: don't connect",
    )


def _changed(target: SSHTarget, verdict: Verdict, key_type: str, shown: str) -> HostKeyError:
    entry = verdict.entry
    assert entry is not None
    kind = HostKeyError if key_type in verdict.known_types else WrongKeyType
    error = kind(
        f"the host key of {target.lookup_name} has changed: it showed {shown}, but {entry.place} "
        f"has {entry.key_type} {fingerprint(entry.blob)}",
        host=target.host,
        phase="hostkey",
        hint="somebody may be in between; if the host is known to have a new key: ssh-keygen -R "
        f"'{target.lookup_name}' -f {entry.path}",
    )
    if isinstance(error, WrongKeyType):
        error.known_types = verdict.known_types
    return error


def _unknown(target: SSHTarget, verdict: Verdict, shown: str) -> HostKeyError:
    if verdict.entry is not None:
        return HostKeyError(
            f"{target.lookup_name} showed {shown}; it is known only through the certificate "
            f"authority of {verdict.entry.place}, and certified host keys can't be verified by "
            "this version",
            host=target.host,
            phase="hostkey",
            hint="record its plain key as well (ssh-keyscan), once compared",
        )
    file = target.known_hosts[0] if target.known_hosts else "~/.ssh/known_hosts"
    port = f" -p {target.port}" if target.port != 22 else ""
    return HostKeyError(
        f"no key is on record for {target.lookup_name}; it showed {shown}",
        host=target.host,
        phase="hostkey",
        hint=f"compare the fingerprint, then: ssh-keyscan{port} {target.address} >> {file}; or "
        "opsrun trust, or --host-key-checking accept-new",
    )
