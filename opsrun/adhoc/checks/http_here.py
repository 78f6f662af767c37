"""A page that this machine asks for: http.client over a connection with one deadline over all."""

from __future__ import annotations

import http.client
import ssl
from typing import Any
from urllib.parse import SplitResult, urlsplit

from opsrun.adhoc.checks.base import WITHIN, Sight, not_yet
from opsrun.adhoc.checks.http_answer import BODY, Answer
from opsrun.adhoc.checks.wire import TLSWire, Wire
from opsrun.engine.stop import Stop
from opsrun.errors import HostError
from opsrun.remote.deadline import Deadline

_PORTS = {"http": 80, "https": 443}


def ask(url: str, sight: Sight, stop: Stop, *, insecure: bool, body: bool) -> Answer:
    """GET a page, within `WITHIN` once there is a connection.

    Certificates are verified against the system's, or those of ``SSL_CERT_FILE``.

    Raises:
        HostError: it was not answered in time, or not as HTTP has it.
        ConnectionFailed: nobody listens there.
    """
    parts = urlsplit(url)
    assert parts.hostname
    port = parts.port or _PORTS[parts.scheme]
    with sight.dial(parts.hostname, port, stop) as sock:
        deadline = Deadline("run", WITHIN, sight.engine.now)
        try:
            wire = Wire(sock, deadline)
            if parts.scheme == "https":
                wire = TLSWire(wire, _context(insecure), parts.hostname)
            return _get(wire, parts.netloc, _target(parts), BODY + 1 if body else 0)
        except TimeoutError:
            raise not_yet(sight.host, f"no answer within {WITHIN:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise _untrusted(sight.host, error) from error
        except (OSError, http.client.HTTPException) as error:
            raise not_yet(sight.host, _words(error)) from error


def _target(parts: SplitResult) -> str:
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def _get(wire: Wire, netloc: str, target: str, size: int) -> Answer:
    connection = http.client.HTTPConnection(netloc)
    # Its own would be dialled without a deadline over all.
    connection.sock = wire
    connection.request("GET", target, headers={"User-Agent": "opsrun", "Connection": "close"})
    response = connection.getresponse()
    try:
        # Where nobody wants it, it isn't waited for: some pages never end.
        body = response.read(size) if size else b""
    finally:
        response.close()
    return Answer(response.status, response.reason, body[:BODY], len(body) > BODY)


def _context(insecure: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _untrusted(host: str, error: ssl.SSLCertVerificationError) -> HostError:
    return not_yet(host, f"its certificate is not to be trusted: {error.verify_message}")


def _words(error: Any) -> str:
    if isinstance(error, http.client.RemoteDisconnected):
        return "it hung up without an answer"
    if isinstance(error, http.client.HTTPException):
        return f"that is no HTTP: {type(error).__name__} {error}".rstrip()
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
