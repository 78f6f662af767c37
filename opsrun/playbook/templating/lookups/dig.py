"""What name servers answer: data, never templates."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.filters.choices import to_bool
from opsrun.playbook.templating.filters.values import a_text
from opsrun.playbook.templating.library import LookupRun, PluginError

if TYPE_CHECKING:
    from dns.rdata import Rdata
    from dns.resolver import Answer, Resolver


@dataclass(frozen=True, slots=True)
class _Query:
    """What is asked, and how."""

    names: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    qtype: str = "A"
    klass: str = "IN"
    flat: bool = True
    retry_servfail: bool = False
    fail_on_error: bool = False
    real_empty: bool = False
    tcp: bool = False
    port: int = 53

    def with_option(self, name: str, value: Any) -> _Query:
        """This, and one option more. Raises PluginError."""
        if name in ("qtype", "class"):
            word: dict[str, Any] = {_FIELDS[name]: a_text(value, name).upper()}
            return replace(self, **word)
        if name == "port":
            try:
                return replace(self, port=int(value))
            except (TypeError, ValueError) as error:
                raise PluginError(f"port is a number, not {value!r}") from error
        if name not in _FIELDS:
            raise PluginError(f"unknown option {name!r}{did_you_mean(name, (*_FIELDS, 'port'))}")
        flag: dict[str, Any] = {name: bool(to_bool(value))}
        return replace(self, **flag)

    def with_term(self, term: str) -> _Query:
        """This, and one term more: ``@servers``, ``option=value``, ``name`` or ``name/type``."""
        if term.startswith("@"):
            return replace(self, servers=(*self.servers, *_addresses(term[1:])))
        if "=" in term:
            name, _, value = term.partition("=")
            return self.with_option(name, value)
        name, _, qtype = term.partition("/")
        names = tuple(each for each in name.split(",") if each)
        return replace(self, names=(*self.names, *names), qtype=qtype.upper() or self.qtype)


_FLAGS = ("flat", "retry_servfail", "fail_on_error", "real_empty", "tcp")
_FIELDS = {"qtype": "qtype", "class": "klass", **{name: name for name in _FLAGS}}


def _addresses(servers: str) -> list[str]:
    made = []
    for server in servers.split(","):
        try:
            found = socket.getaddrinfo(server, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            raise PluginError(f"there is no name server {server!r}: {error}") from error
        made.append(str(found[0][4][0]))
    return made


def dig(terms: list[Any], run: LookupRun, **options: Any) -> list[Any]:
    """The answers to a question of DNS, as texts.

    Args:
        terms: names; ``name/TYPE``; ``@server,server``; ``option=value``.
        options: ``qtype`` (A), ``class`` (IN), ``flat`` (false: dictionaries), ``tcp``, ``port``,
            ``retry_servfail``, ``fail_on_error``, ``real_empty`` (nothing, rather than
            ``NXDOMAIN`` or an empty text, where one name has no answer).
    """
    query = _Query()
    for term in terms:
        query = query.with_term(a_text(term, "dig"))
    for name, value in options.items():
        query = query.with_option(name, value)
    if not query.names:
        raise PluginError("dig: expected a name, as example.org or example.org/MX")
    resolver = _resolver(query)
    made: list[Any] = []
    for name in query.names:
        made += _answers(resolver, query, name)
    return made


def _resolver(query: _Query) -> Resolver:
    try:
        import dns.resolver
    except ImportError as error:
        raise PluginError(
            "dig needs the Python package dnspython: pip install dnspython"
        ) from error
    try:
        resolver = dns.resolver.Resolver(configure=not query.servers)
    except dns.resolver.NoResolverConfiguration as error:
        raise PluginError(f"no name server is configured here: {error}") from error
    if query.servers:
        resolver.nameservers = list(query.servers)
    resolver.port = query.port
    resolver.retry_servfail = query.retry_servfail
    return resolver


def _answers(resolver: Resolver, query: _Query, name: str) -> list[Any]:
    import dns.exception
    import dns.resolver

    try:
        found = resolver.resolve(
            _asked(name, query.qtype), query.qtype, query.klass, tcp=query.tcp, search=False
        )
    except (dns.resolver.NoAnswer, dns.resolver.NoNameservers, dns.resolver.NXDOMAIN) as error:
        if query.fail_on_error:
            raise PluginError(f"{name}/{query.qtype}: {error}") from error
        missing = "NXDOMAIN" if isinstance(error, dns.resolver.NXDOMAIN) else ""
        return [] if query.real_empty or len(query.names) > 1 else [missing]
    except (dns.exception.DNSException, OSError) as error:
        raise PluginError(f"{name}/{query.qtype}: {error}") from error
    # Servers turn round the order of answers; what a run writes down must not change by it.
    rows = sorted(found, key=lambda each: str(each.to_text()))
    return [_text(each) if query.flat else _fields(each, found) for each in rows]


def _asked(name: str, qtype: str) -> str:
    """The name that stands for an address (RFC 1035, 3.5; RFC 3596, 2.5)."""
    try:
        return ipaddress.ip_address(name).reverse_pointer if qtype == "PTR" else name
    except ValueError:
        return name


def _text(row: Rdata) -> str:
    import dns.rdatatype

    text: str = row.to_text()
    return text.strip('"') if row.rdtype in (dns.rdatatype.TXT, dns.rdatatype.SPF) else text


def _fields(row: Rdata, found: Answer) -> dict[str, Any]:
    import dns.rdataclass
    import dns.rdatatype

    names = [name for each in type(row).__mro__ for name in _slots(each)]
    made = {name: _plain(getattr(row, name)) for name in names}
    return {
        **made,
        "owner": str(found.canonical_name),
        "type": dns.rdatatype.to_text(row.rdtype),
        "ttl": found.rrset.ttl if found.rrset is not None else 0,
        "class": dns.rdataclass.to_text(row.rdclass),
    }


_OF_ALL = ("rdclass", "rdtype", "rdcomment")


def _slots(kind: type) -> list[str]:
    return [name for name in getattr(kind, "__slots__", ()) if name not in _OF_ALL]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if isinstance(value, int) else str(value)


LOOKUPS: dict[str, Callable[..., Any]] = {"community.general.dig": dig}
