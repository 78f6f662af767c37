"""Servers whose algorithms are not safe: refused, with what they offer and what is accepted."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import paramiko
import pytest
from support import evil
from support.evil import EvilSSH
from support.reach import over_ssh
from support.servers import LoopbackServer, greeting

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed
from opsrun.lab import Lab
from opsrun.secret import Secret
from opsrun.transports.credentials.keyring import Credential
from opsrun.transports.ssh.client import SSHShared, SSHTransport
from opsrun.transports.ssh.link import Link
from opsrun.transports.targets.target import SSHTarget

Make = Callable[[int], SSHTransport]


@pytest.fixture
def make(engine: Engine) -> Make:
    """Makes transports to a port of this machine's."""

    def transport(port: int) -> SSHTransport:
        password = Credential("password", ("password",), _password=Secret(evil.FULL))
        shared = SSHShared(
            engine, lambda target: [password], lambda *host_key: None, lambda target: ()
        )
        target = SSHTarget(host="web01", address="127.0.0.1", port=port, user="alice")
        return SSHTransport(target, shared)

    return transport


def refused(transport: Any) -> ConnectionFailed:
    """Connect in vain, once and for all: trying again changes nothing."""
    with pytest.raises(ConnectionFailed) as caught:
        transport.connect()
    transport.close()
    error = caught.value
    assert (error.phase, error.transient) == ("kex", False)
    assert "not safe" in error.hint
    return error


# -- in words


def names(*words: str) -> bytes:
    """A name-list (RFC 4251 section 5)."""
    text = ",".join(words).encode()
    return struct.pack(">I", len(text)) + text


def kexinit(**weak: str) -> bytes:
    """A packet that offers what is good in all places (RFC 4253 section 7.1) but the given ones.

    A key ending in ``_in`` or ``_out`` is for one direction alone, as the server sees it.
    """
    offers = {
        "kex": "curve25519-sha256@libssh.org",
        "key": "ecdsa-sha2-nistp256",
        "cipher": "aes128-ctr",
        "mac": "hmac-sha2-256",
        "compression": "none",
    } | weak
    once = [names(offers["kex"]), names(offers["key"])]
    twice = [
        names(offers.get(f"{kind}_{way}", offers[kind]))
        for kind in ("cipher", "mac", "compression")
        for way in ("in", "out")
    ]
    return evil.packet(b"".join([b"\x14", bytes(16), *once, *twice, names(), names(), bytes(5)]))


@pytest.mark.parametrize(
    ("weak", "kind", "offered"),
    [
        ({"cipher": "aes128-cbc,3des-cbc"}, "cipher", "aes128-cbc, 3des-cbc"),
        ({"cipher": "arcfour256"}, "cipher", "arcfour256"),
        (
            {"cipher": "chacha20-poly1305@openssh.com"},
            "cipher",
            "chacha20-poly1305@openssh.com",
        ),
        ({"cipher_in": "aes256-cbc"}, "cipher", "aes256-cbc"),
        ({"cipher_out": "aes256-cbc"}, "cipher", "aes256-cbc"),
        ({"mac": "hmac-sha1,hmac-sha1-96"}, "MAC", "hmac-sha1, hmac-sha1-96"),
        ({"mac": "hmac-md5"}, "MAC", "hmac-md5"),
        ({"mac_out": "hmac-md5"}, "MAC", "hmac-md5"),
        (
            {"kex": "diffie-hellman-group1-sha1,ext-info-s,kex-strict-s-v00@openssh.com"},
            "key exchange (kex)",
            "diffie-hellman-group1-sha1",
        ),
        (
            {"kex": "diffie-hellman-group14-sha1"},
            "key exchange (kex)",
            "diffie-hellman-group14-sha1",
        ),
        ({"key": "ssh-rsa,ssh-dss"}, "type of host key", "ssh-rsa, ssh-dss"),
        ({"key": ""}, "type of host key", "none"),
    ],
    ids=lambda value: ",".join(value.values()) if isinstance(value, dict) else "",
)
def test_what_is_offered_and_what_is_accepted(
    make: Make, weak: dict[str, str], kind: str, offered: str
) -> None:
    with LoopbackServer(greeting(evil.BANNER + kexinit(**weak))) as server:
        port = server.port
        error = refused(make(port))
    accepted = {
        "cipher": Link._preferred_ciphers,
        "MAC": Link._preferred_macs,
        "key exchange (kex)": paramiko.Transport._preferred_kex,  # type: ignore[attr-defined]
        "type of host key": paramiko.Transport._preferred_keys,
    }[kind]
    words = f"no {kind} in common: the server offers {offered}, accepted here are "
    assert f"127.0.0.1 port {port}: {words}{', '.join(accepted)}; given up" in error.message
    assert error.message.count("in common") == 1


def test_all_kinds_at_once(make: Make) -> None:
    weak = {
        "kex": "diffie-hellman-group1-sha1",
        "key": "ssh-dss",
        "cipher": "3des-cbc",
        "mac": "hmac-md5",
    }
    with LoopbackServer(greeting(evil.BANNER + kexinit(**weak))) as server:
        error = refused(make(server.port))
    assert error.message.count("in common") == 4
    assert all(f"offers {name}" in error.message for name in weak.values())


def test_a_list_without_end_is_cut(make: Make) -> None:
    many = ",".join(f"cipher{number}-{'x' * 100}" for number in range(1000))
    with LoopbackServer(greeting(evil.BANNER + kexinit(cipher=many))) as server:
        error = refused(make(server.port))
    assert "cipher11-" in error.message
    assert "and 988 more, accepted" in error.message
    assert len(error.message) < 2000


# -- the same from OpenSSH


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("Ciphers aes128-cbc,3des-cbc", "no cipher in common: the server offers aes128-cbc, 3des"),
        ("Ciphers chacha20-poly1305@openssh.com", "offers chacha20-poly1305@openssh.com, accepted"),
        ("MACs hmac-sha1,umac-64@openssh.com", "no MAC in common: the server offers hmac-sha1, um"),
        (
            "KexAlgorithms diffie-hellman-group1-sha1",
            "(kex) in common: the server offers diffie-hellman-group1-sha1, accepted",
        ),
    ],
)
def test_a_real_server(engine: Engine, sshd: Callable[..., Lab], option: str, words: str) -> None:
    lab = sshd(option)
    error = refused(over_ssh(engine, lab, lab.hosts[0].name, "sshd", kills=True).make())
    assert words in error.message


@pytest.mark.parametrize("cipher", ["aes128-ctr", "aes256-gcm@openssh.com"])
def test_a_real_server_of_one_good_cipher(
    engine: Engine, sshd: Callable[..., Lab], cipher: str
) -> None:
    lab = sshd(f"Ciphers {cipher}")
    transport = over_ssh(engine, lab, lab.hosts[0].name, "sshd", kills=True).make()
    connection: Any = transport.connect()
    assert connection._link.local_cipher == cipher
    transport.close()


# -- Terrapin (CVE-2023-48795): packets slipped in before the keys, and as many cut off behind them


def server(connection: Any, *, strict: bool, cipher: str) -> paramiko.Transport:
    """A server's side with one cipher, with or without the strict key exchange."""
    transport = paramiko.Transport(connection, strict_kex=strict)
    transport.get_security_options().ciphers = (cipher,)
    return transport


@pytest.mark.parametrize("cipher", ["aes128-ctr", "aes128-gcm@openssh.com"])
@pytest.mark.parametrize("strict", [True, False])
def test_a_strict_key_exchange_where_the_server_knows_it(
    make: Make, strict: bool, cipher: str
) -> None:
    """Without it, the ciphers that are accepted are those which the attack can do nothing with."""
    with EvilSSH(make=partial(server, strict=strict, cipher=cipher)) as there:
        transport = make(there.port)
        connection: Any = transport.connect()
        assert connection._link.agreed_on_strict_kex is strict
        assert connection._link.remote_cipher == cipher
        transport.close()


def test_openssh_knows_it(engine: Engine, lab: Lab) -> None:
    transport = over_ssh(engine, lab, "web01", "sshd", kills=True).make()
    connection: Any = transport.connect()
    assert connection._link.agreed_on_strict_kex
    transport.close()


STRICT = "curve25519-sha256@libssh.org,kex-strict-s-v00@openssh.com"
IGNORE = evil.packet(b"\x02" + struct.pack(">I", 3) + b"abc")


@pytest.mark.parametrize(
    ("packets", "words"),
    [
        ([IGNORE, kexinit(kex=STRICT)], "KEXINIT was not the first packet"),
        ([kexinit(kex=STRICT), IGNORE], "was sent 'ignore'"),
    ],
    ids=["before", "behind"],
)
def test_a_packet_slipped_into_a_strict_key_exchange(
    make: Make, packets: list[bytes], words: str
) -> None:
    with LoopbackServer(greeting(b"".join([evil.BANNER, *packets]))) as there:
        transport = make(there.port)
        with pytest.raises(ConnectionFailed) as caught:
            transport.connect()
        transport.close()
    assert (caught.value.phase, caught.value.transient) == ("kex", False)
    assert "CVE-2023-48795" in caught.value.hint
    assert words in caught.value.message
