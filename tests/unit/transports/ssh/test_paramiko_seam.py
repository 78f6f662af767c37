"""What we declare of paramiko's inside is there, in the version that is installed."""

from __future__ import annotations

import ast
import inspect
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import paramiko.auth_handler
import paramiko.packet
import pytest

from opsrun.transports.ssh import auth, link, packets, paramiko_seam

DECLARED = {
    node.name: node
    for node in ast.walk(ast.parse(Path(paramiko_seam.__file__).read_text()))
    if isinstance(node, ast.ClassDef)
}
REAL: dict[str, type] = {
    "TransportBase": paramiko.Transport,
    "PacketizerBase": paramiko.packet.Packetizer,
    "AuthHandlerBase": paramiko.auth_handler.AuthHandler,
}
OURS: dict[str, type] = {
    "TransportBase": link.Link,
    "PacketizerBase": packets.Packetizer,
    "AuthHandlerBase": auth._AuthHandler,
}


@pytest.fixture
def instances() -> Iterator[dict[str, Any]]:
    """One object of each class, over a socket that leads nowhere."""
    near, far = socket.socketpair()
    transport = paramiko.Transport(near)
    yield {
        "TransportBase": transport,
        "PacketizerBase": transport.packetizer,
        "AuthHandlerBase": paramiko.auth_handler.AuthHandler(transport),
        "Channels": transport._channels,
    }
    transport.close()
    near.close()
    far.close()


def methods() -> list[tuple[str, ast.FunctionDef]]:
    return [
        (name, node)
        for name, declared in DECLARED.items()
        for node in declared.body
        if isinstance(node, ast.FunctionDef)
    ]


def attributes() -> list[tuple[str, str]]:
    return [
        (name, node.target.id)
        for name, declared in DECLARED.items()
        for node in declared.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]


def test_the_declarations_are_found() -> None:
    assert set(REAL) < set(DECLARED)
    assert len(methods()) > 15
    assert len(attributes()) > 20
    for name, real in REAL.items():
        assert getattr(paramiko_seam, name) is real
        assert issubclass(OURS[name], real)


@pytest.mark.parametrize(
    ("owner", "method"), methods(), ids=lambda value: getattr(value, "name", value)
)
def test_a_method_takes_what_is_declared(
    owner: str, method: ast.FunctionDef, instances: dict[str, Any]
) -> None:
    real = getattr(instances[owner], method.name)
    declared = [argument.arg for argument in method.args.args[1:]]
    signature = inspect.signature(real)
    signature.bind(*declared)
    if method.args.kwarg:
        assert {"packetizer_class"} <= set(signature.parameters)


SET_LATER = {
    # Set by the protocol as it goes along, or by us.
    ("AuthHandlerBase", "auth_event"),
    ("TransportBase", "session_id"),
}


@pytest.mark.parametrize(("owner", "name"), sorted(set(attributes()) - SET_LATER))
def test_an_attribute_is_there(owner: str, name: str, instances: dict[str, Any]) -> None:
    assert hasattr(instances[owner], name)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("TransportBase", "_log"),
        ("TransportBase", "start_client"),
        ("TransportBase", "_check_banner"),
        ("TransportBase", "_parse_disconnect"),
        ("TransportBase", "_parse_request_success"),
        ("TransportBase", "_parse_request_failure"),
        ("TransportBase", "run"),
        ("TransportBase", "stop_thread"),
        ("TransportBase", "close"),
        ("TransportBase", "_preferred_ciphers"),
        ("TransportBase", "_preferred_macs"),
        ("TransportBase", "_channel_handler_table"),
        ("TransportBase", "_active_check_timeout"),
        ("PacketizerBase", "_log"),
        ("PacketizerBase", "start_handshake"),
        ("PacketizerBase", "read_all"),
        ("PacketizerBase", "readline"),
        ("PacketizerBase", "write_all"),
        ("PacketizerBase", "close"),
        ("AuthHandlerBase", "_parse_service_accept"),
        ("AuthHandlerBase", "_parse_userauth_failure"),
        ("AuthHandlerBase", "_parse_userauth_info_request"),
        ("TransportBase", "_parse_kex_init"),
    ],
)
def test_what_we_override_is_still_called_that(owner: str, name: str) -> None:
    """Ours would otherwise never be called, and nobody would notice."""
    real = getattr(REAL[owner], name)
    ours = getattr(OURS[owner], name, real)
    if name != "_active_check_timeout":
        assert ours is not real
    if inspect.isfunction(real):
        required = [
            parameter.name
            for parameter in inspect.signature(real).parameters.values()
            if parameter.default is inspect.Parameter.empty
            and parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        ]
        inspect.signature(ours).bind(*required)


def test_handlers_are_each_connections_own(instances: dict[str, Any]) -> None:
    """A link replaces some; they must not become those of every transport in the process."""
    assert "_handler_table" in vars(instances["TransportBase"])


def test_handlers_are_called_by_the_names_that_we_know(instances: dict[str, Any]) -> None:
    handlers = instances["TransportBase"]._handler_table
    names = {getattr(handler, "__name__", "") for handler in handlers.values()}
    assert {"_parse_request_success", "_parse_request_failure"} <= names
    ours = link.Link._channel_handler_table
    theirs = paramiko.Transport._channel_handler_table
    assert set(ours) == set(theirs), "a message for a channel that nobody would handle"


def test_the_mangled_name_of_closed_is_paramikos(instances: dict[str, Any]) -> None:
    packetizer = instances["PacketizerBase"]
    assert packetizer.closed is False
    packetizer._Packetizer__closed = True
    assert packetizer.closed is True


def test_paramiko_reads_through_our_packetizer() -> None:
    """Its transport names the class as an option, and asks ours for every byte."""
    parameters = inspect.signature(paramiko.Transport.__init__).parameters
    assert "packetizer_class" in parameters
    source = inspect.getsource(paramiko.packet.Packetizer.read_message)
    assert "self.read_all(" in source
    assert "recv(" not in source
    assert "check_rekey=True" in source


def test_no_weak_algorithm_is_offered() -> None:
    theirs = (*paramiko.Transport._preferred_kex, *paramiko.Transport._preferred_keys)
    every = (*link.Link._preferred_ciphers, *link.Link._preferred_macs)
    weak = ("cbc", "chacha", "sha1", "md5", "group1-", "dss", "arcfour", "3des")
    assert not [name for name in (*every, *theirs) if any(word in name for word in weak)]
    assert "ssh-rsa" not in theirs, "SHA-1, by another name"
    known = paramiko.Transport._preferred_ciphers + paramiko.Transport._preferred_macs
    assert set(every) <= set(known) | set(paramiko.Transport._cipher_info)
