"""Bodies of requests, out of what tasks write."""

from __future__ import annotations

import json
import mimetypes
import os.path
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from opsrun.modules.base import ModuleError

Read = Callable[[str], bytes]
"""Gives what is in a file of the controller's. Raises ModuleError."""


def encoded(body: Any, form: str, read: Read) -> tuple[bytes, dict[str, str]]:
    """A body, and the headers that go with it.

    Args:
        body: as written.
        form: the task's ``body_format``.
        read: for files that a form is to hold.

    Raises:
        ModuleError: the body can't be written in this form.
    """
    if form == "form-multipart":
        return _multipart(body, read)
    if isinstance(body, bytes):
        return body, {}
    if form == "json":
        text = body if isinstance(body, str) else json.dumps(body)
        return _bytes(text), {"Content-Type": "application/json"}
    if form == "form-urlencoded":
        return _bytes(_urlencoded(body)), {"Content-Type": "application/x-www-form-urlencoded"}
    if isinstance(body, (Mapping, list, tuple)):
        hint = "body_format says in which form data is sent: json, form-urlencoded, form-multipart"
        raise ModuleError(f"body: data has to have a form; {hint}")
    return _bytes(str(body)), {}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _urlencoded(body: Any) -> str:
    if isinstance(body, str):
        return body
    pairs = list(body.items()) if isinstance(body, Mapping) else body
    try:
        return urlencode([(name, _values(value)) for name, value in pairs], doseq=True)
    except (TypeError, ValueError) as error:
        raise ModuleError(f"body: a form is a mapping, or a list of pairs: {error}") from error


def _values(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _multipart(body: Any, read: Read) -> tuple[bytes, dict[str, str]]:
    if not isinstance(body, Mapping):
        raise ModuleError("body: form-multipart wants a mapping")
    border = f"opsrun-{secrets.token_hex(16)}"
    parts = [
        b"".join((f"--{border}\r\n".encode(), *_part(str(name), value, read), b"\r\n"))
        for name, value in body.items()
    ]
    content = b"".join((*parts, f"--{border}--\r\n".encode()))
    return content, {"Content-Type": f"multipart/form-data; boundary={border}"}


def _part(name: str, value: Any, read: Read) -> Iterator[bytes]:
    if isinstance(value, Mapping):
        unknown = set(value) - {"content", "filename", "mime_type", "multipart_encoding"}
        if unknown or not {"content", "filename"} & set(value):
            raise ModuleError(f"body: {name}: give content or filename, and mime_type if need be")
        filename = str(value.get("filename") or "")
        content = _bytes(str(value["content"])) if "content" in value else read(filename)
        guessed = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        kind = str(value.get("mime_type") or guessed)
    elif isinstance(value, (list, tuple)):
        raise ModuleError(f"body: {name}: a part is text or a mapping")
    else:
        filename, content, kind = "", _bytes(str(value)), "text/plain"
    yield f'Content-Disposition: form-data; name="{_escaped(name)}"'.encode()
    if filename:
        yield f'; filename="{_escaped(os.path.basename(filename))}"'.encode()
    yield f"\r\nContent-Type: {_escaped(kind)}\r\n\r\n".encode()
    yield content


def _escaped(text: str) -> str:
    """As browsers write names (HTML, multipart/form-data)."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
