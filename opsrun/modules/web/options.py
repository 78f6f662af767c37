"""What all modules take that ask servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Module, ModuleError
from opsrun.modules.file_options import FileOptions
from opsrun.modules.options import option
from opsrun.modules.web.asking import Asking


@dataclass(frozen=True, kw_only=True)
class WebModule(FileOptions, Module):
    """A module that asks a server from the host."""

    url: str = option(required=True, doc="The address: http, https, ftp or file.")
    headers: Mapping[str, Any] | None = option(doc="Headers that are sent, by name.")
    force_basic_auth: bool = option(False, doc="Whether the name is sent before it is asked for.")
    validate_certs: bool = option(True, doc="Whether a certificate has to be a good one.")
    client_cert: str | None = option(kind="path", doc="PEM file on the host: who we are.")
    client_key: str | None = option(kind="path", doc="PEM file on the host: the key to it.")
    ciphers: Sequence[str] | None = option(elements="str", doc="Ciphers of TLS; wants curl.")
    use_proxy: bool = option(True, doc="Whether proxies in the environment are used.")
    use_netrc: bool = option(True, doc="Whether names come from ~/.netrc where none is given.")
    use_gssapi: bool = option(False, doc="Kerberos: not built; refused.")
    http_agent: str = option("ansible-httpget", doc="What we call ourselves.")
    decompress: bool = option(True, doc="Whether what comes packed with gzip is unpacked.")
    unredirected_headers: Sequence[str] | None = option(
        elements="str", doc="Headers that no redirect gets to see; refused if one of them is sent."
    )

    def asking(self, url: str, *, extra: Mapping[str, str] | None = None, **more: Any) -> Asking:
        """The request.

        Args:
            url: the address.
            extra: headers that the task's own ones stand in for.
            more: further fields of `Asking`.

        Raises:
            ModuleError: it can't be made so.
        """
        if self.use_gssapi:
            raise ModuleError("use_gssapi is not built: there is no way to log in with Kerberos")
        headers = {str(name): str(value) for name, value in (self.headers or {}).items()}
        given = {name.lower() for name in headers}
        headers |= {
            name: value for name, value in (extra or {}).items() if name.lower() not in given
        }
        self._no_secret_is_told_on(headers, more.get("follow", True))
        return Asking(
            url,
            headers=headers,
            basic=self.force_basic_auth,
            agent=self.http_agent,
            validate=self.validate_certs,
            proxy=self.use_proxy,
            netrc=self.use_netrc,
            decompress=self.decompress,
            ciphers=":".join(self.ciphers or ()),
            client_cert=self.client_cert or "",
            client_key=self.client_key or "",
            **more,
        )

    def _no_secret_is_told_on(self, headers: Mapping[str, str], follow: bool) -> None:
        hidden = {each.lower() for each in self.unredirected_headers or ()}
        found = [name for name in headers if name.lower() in hidden]
        if found and follow:
            raise ModuleError(
                f"unredirected_headers: {', '.join(found)} can't be kept from redirects here: "
                "follow none of them, or ask for the last address"
            )
