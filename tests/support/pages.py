"""Web servers on loopback that answer as a test wishes, over TLS too, with a CA of our own."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.servers import LoopbackServer, Serve

Page = Callable[[str], bytes]
"""The answer to a request, header and all; it is given the request's text."""


def answer(
    status: int = 200, body: bytes = b"", reason: str = "OK", *headers: str, length: bool = True
) -> bytes:
    """One answer; RFC 9112."""
    lines = [f"HTTP/1.1 {status} {reason}", "Connection: close", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def serving(page: Page, requests: list[str] | None = None) -> Serve:
    """Answer one request a connection."""

    def serve(connection: socket.socket) -> None:
        text = b""
        while b"\r\n\r\n" not in text:
            piece = connection.recv(65_536)
            if not piece:
                return
            text += piece
        if requests is not None:
            requests.append(text.decode())
        connection.sendall(page(text.decode()))

    return serve


def web(
    page: Page, requests: list[str] | None = None, address: str = "127.0.0.1"
) -> LoopbackServer:
    """A server without TLS."""
    return LoopbackServer(serving(page, requests), address)


class Authority:
    """A CA of our own, and the certificates that it gives.

    Args:
        directory: where they are written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("a test's CA")
        builder = self._builder(self._name, self._key)
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        builder = builder.add_extension(identifier, critical=False)
        self.file = directory / "ca.pem"
        self.file.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self._name)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1))
        return builder.not_valid_after(now + datetime.timedelta(days=1))

    def server(self, page: Page, *names: str) -> LoopbackServer:
        """A server with a certificate for these names and addresses."""
        context = self._context(names)
        inner = serving(page)

        def serve(connection: socket.socket) -> None:
            # A client that doesn't trust us hangs up in the middle: an OSError, as others are.
            with context.wrap_socket(connection, server_side=True) as wrapped:
                inner(wrapped)

        return LoopbackServer(serve)

    def _context(self, names: tuple[str, ...]) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(names[0]), key)
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(identifier, critical=False)
        path = self._directory / f"{names[0]}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(private + _pem(builder.sign(self._key, hashes.SHA256())))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
