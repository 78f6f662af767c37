"""A server over HTTP, or HTTPS with a certificate of its own, that does as a test's paths say."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CONTENT = b"hello\n"
SUM = hashlib.sha256(CONTENT).hexdigest()
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL48JLEVO0CAXw2zqz43sWfHVRNbGZB7e82O7/G9PTCn"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIORnt5WLANFYo73QmeMd8BqYAp6HbI6m7JiNugHql5z4"
NAME, PASSWORD = "someone", 'pa"ss w\\ord$(x)'


@dataclass
class Web:
    """A server that is up, and what it was asked."""

    url: str
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def last(self) -> tuple[str, str, dict[str, str], bytes]:
        """Method, path, headers and body of the last request."""
        return self.asked[-1]


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent = {name.lower(): value for name, value in self.headers.items()}
            web.asked.append((self.command, self.path, sent, body))
            status, headers, content = _answer(self.command, self.path, sent, body)
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD" and status not in (204, 304):
                self.wfile.write(content)

    for method in ("GET", "POST", "PUT", "HEAD", "DELETE", "PATCH"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


Answer = tuple[int, list[tuple[str, str]], bytes]


def _answer(method: str, path: str, sent: dict[str, str], body: bytes) -> Answer:
    text = [("Content-Type", "text/plain")]
    match path.partition("?")[0]:
        case "/missing":
            return 404, text, b"nothing\n"
        case "/sums":
            return 200, text, f"{'0' * 64}  other\n{SUM} *file\n".encode()
        case "/moved":
            return 302, [("Location", "/file")], b""
        case "/named":
            return 200, [("Content-Disposition", 'attachment; filename="../a name"')], CONTENT
        case "/keys":
            return 200, text, f"# of somebody\n{KEY} one\n{OTHER_KEY} two\n".encode()
        case "/echo":
            told = {"method": method, "body": body.decode(), "type": sent.get("content-type")}
            return 200, [("Content-Type", "application/json")], json.dumps(told).encode()
        case "/cookie":
            cookies = [("Set-Cookie", "A=1; path=/"), ("Set-Cookie", "B=2")]
            return 200, [*text, *cookies], CONTENT
        case "/unchanged" if "if-modified-since" in sent:
            return 304, [], b""
        case "/login":
            pair = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
            if sent.get("authorization") != f"Basic {pair}":
                return 401, [("WWW-Authenticate", 'Basic realm="x"')], b""
    return 200, text, CONTENT


@contextmanager
def server(directory: Path | None = None) -> Iterator[Web]:
    """A server on a free port of 127.0.0.1.

    Args:
        directory: makes it one of HTTPS: its certificate is put there as ``cert.pem``.
    """
    web = Web("")
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(web))
    scheme = "http"
    if directory is not None:
        _certificate(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
        http.socket = context.wrap_socket(http.socket, server_side=True)
        # A client that refuses the certificate is no mistake of the server's.
        http.handle_error = lambda *_: None  # type: ignore[method-assign]
        scheme = "https"
    web.url = f"{scheme}://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield web
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def _certificate(directory: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (directory / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
