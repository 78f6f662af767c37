"""What the web holds: data, never templates."""

from __future__ import annotations

import base64
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.filters.choices import to_bool
from opsrun.playbook.templating.filters.values import a_text
from opsrun.playbook.templating.library import LookupRun, PluginError

_WITHOUT_MEANING = ("use_gssapi", "use_netrc", "unix_socket", "unredirected_headers", "ciphers")
_KNOWN = (
    "validate_certs",
    "split_lines",
    "headers",
    "timeout",
    "username",
    "password",
    "url_username",
    "url_password",
    "force",
    "force_basic_auth",
    "follow_redirects",
    "http_agent",
    "use_proxy",
    "ca_path",
)


def url(terms: list[Any], run: LookupRun, **options: Any) -> list[Any]:
    """The lines that are at URLs, or, with ``split_lines=false``, a text for each.

    Further options: ``validate_certs``, ``ca_path``, ``headers``, ``timeout`` in seconds (10),
    ``username``, ``password``, ``force`` (no caches), ``http_agent``, ``use_proxy``,
    ``follow_redirects``.
    """
    for name in options:
        if name not in _KNOWN:
            words = "is not supported" if name in _WITHOUT_MEANING else "is unknown"
            raise PluginError(f"the option {name!r} {words}{did_you_mean(name, _KNOWN)}")
    made: list[str] = []
    for term in terms:
        text = _fetched(a_text(term, "url"), options)
        made += text.splitlines() if to_bool(options.get("split_lines", True)) else [text]
    return made


def _fetched(address: str, options: Mapping[str, Any]) -> str:
    opener = urllib.request.build_opener(*_handlers(options))
    try:
        request = urllib.request.Request(address, headers=_headers(options))
        if request.type not in ("http", "https", "ftp"):
            raise PluginError(f"{address!r}: expected http, https or ftp")
        with opener.open(request, timeout=float(options.get("timeout", 10))) as answer:
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        raise PluginError(f"{address}: HTTP {error.code} {error.reason}") from error
    except (OSError, ValueError, TypeError) as error:
        raise PluginError(f"{address}: {getattr(error, 'reason', None) or error}") from error
    return body.decode("utf-8", "surrogateescape")


def _handlers(options: Mapping[str, Any]) -> list[urllib.request.BaseHandler]:
    context = ssl.create_default_context(cafile=options.get("ca_path"))
    if not to_bool(options.get("validate_certs", True)):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
    if not to_bool(options.get("use_proxy", True)):
        handlers.append(urllib.request.ProxyHandler({}))
    if str(options.get("follow_redirects", "all")).lower() in ("no", "none", "false"):
        handlers.append(_Stay())
    return handlers


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirection is an error."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _headers(options: Mapping[str, Any]) -> dict[str, str]:
    made = {"User-Agent": str(options.get("http_agent", "opsrun"))}
    if to_bool(options.get("force", False)):
        made["Cache-Control"] = "no-cache"
    user = options.get("username", options.get("url_username"))
    if user:
        secret = options.get("password", options.get("url_password")) or ""
        made["Authorization"] = "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()
    given = options.get("headers") or {}
    if not isinstance(given, Mapping):
        raise PluginError("headers is a dictionary")
    return {**made, **{str(key): str(value) for key, value in given.items()}}


LOOKUPS: dict[str, Callable[..., Any]] = {"url": url}
