"""How ansible-core reaches a host: as opsrun would, with every question answered by opsrun.

ssh(1) reads one file, which is ours, and none of the operator's: what those say has gone into it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.composition.ways import Way
from opsrun.errors import UsageError
from opsrun.remote.become import BecomeSpec
from opsrun.secret import Secret
from opsrun.transports.targets.target import LocalTarget, SSHTarget

_HOP = "opsrun-hop-"
_CHECKING = {"strict": "yes", "accept-new": "accept-new", "off": "no"}


@dataclass(frozen=True, slots=True)
class Reached:
    """Connection variables of one host, and what ssh has to read."""

    variables: Mapping[str, Any]
    ssh_config: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What of them nobody is to see."""
        return tuple(each.reveal() for each in self.variables.values() if isinstance(each, Secret))


def reached(way: Way, said: Mapping[str, Any], config: str) -> Reached:
    """How a host is reached.

    Args:
        way: the same, as opsrun goes it.
        said: its connection variables, for what is no ssh and not this machine.
        config: path of the file that ``ssh_config`` will be written to.

    Raises:
        UsageError: something can't be said to ssh(1).
    """
    target = way.target
    become = _become(way.become)
    if isinstance(target, LocalTarget):
        return Reached({"ansible_connection": "local", **become})
    if not isinstance(target, SSHTarget):
        kept = {name: said[name] for name in said if "become" not in name}
        if target.program == "ssh":
            kept["ansible_connection"] = "ssh"
        return Reached({**kept, **become})
    found: dict[str, Any] = {
        "ansible_connection": "ssh",
        "ansible_host": target.address,
        "ansible_port": target.port,
        "ansible_user": target.user,
        "ansible_host_key_checking": True,
        # Connections that stay would outlive us.
        "ansible_ssh_args": f"-F {shlex.quote(config)} -o ControlMaster=no -o ControlPath=none",
        "ansible_timeout": max(1, round(target.timeouts.tcp)),
        **become,
    }
    if target.password is not None:
        found["ansible_password"] = target.password
    if "ansible_ssh_executable" in said:
        found["ansible_ssh_executable"] = said["ansible_ssh_executable"]
    return Reached(found, ssh_config(target))


def _become(spec: BecomeSpec | None) -> dict[str, Any]:
    if spec is None:
        return {"ansible_become": False}
    found: dict[str, Any] = {
        "ansible_become": True,
        "ansible_become_method": spec.method,
        "ansible_become_user": spec.user,
    }
    if spec.password is not None:
        found["ansible_become_password"] = spec.password
    if spec.flags is not None:
        found["ansible_become_flags"] = shlex.join(spec.flags)
    if spec.exe is not None:
        found["ansible_become_exe"] = spec.exe
    return found


def ssh_config(target: SSHTarget) -> str:
    """What ssh_config(5) says of a host and of those before it.

    Raises:
        UsageError: a value can't be written there.
    """
    lines: list[str] = []
    hops = target.hops
    for number, hop in enumerate(hops, 1):
        lines += [f"Host {_HOP}{number}", f"  HostName {_word(hop, hop.address)}"]
        lines += [f"  Port {hop.port}", f"  User {_word(hop, hop.user, percent=False)}"]
        lines += _block(hop, f"{_HOP}{number - 1}" if number > 1 else "")
    lines += [f"Host * !{_HOP}*", *_block(target, f"{_HOP}{len(hops)}" if hops else "")]
    return "\n".join(lines) + "\n"


def _block(target: SSHTarget, before: str) -> list[str]:
    return [f"  {name} {value}" for name, value in _settings(target, before)]


def _settings(target: SSHTarget, before: str) -> Iterator[tuple[str, str]]:
    word: Callable[[str], str] = lambda text: _word(target, text)  # noqa: E731
    if before:
        yield "ProxyJump", before
    elif target.proxy_command is not None:
        yield "ProxyCommand", _line(target, target.proxy_command)
    for path in target.identity_files:
        yield "IdentityFile", word(path)
    for path in target.certificate_files:
        yield "CertificateFile", word(path)
    if not target.identity_files and not target.default_identities:
        yield "IdentityFile", "none"
    yield "IdentitiesOnly", _truth(target.identities_only)
    if not target.use_agent:
        yield "IdentityAgent", "none"
    elif target.agent_socket is not None:
        yield "IdentityAgent", word(target.agent_socket)
    yield "PreferredAuthentications", ",".join(target.auth_methods)
    yield "AddressFamily", target.address_family
    yield "ConnectionAttempts", str(target.connection_attempts)
    if target.host_key_alias is not None:
        yield "HostKeyAlias", word(target.host_key_alias)
    if target.known_hosts:
        yield "UserKnownHostsFile", " ".join(map(word, target.known_hosts))
        yield "GlobalKnownHostsFile", "/dev/null"
    yield "StrictHostKeyChecking", _CHECKING[target.host_key_checking]
    yield "HashKnownHosts", _truth(target.hash_known_hosts)
    yield "UpdateHostKeys", "no"
    yield "ServerAliveInterval", str(round(target.timeouts.keepalive))
    yield "ServerAliveCountMax", str(max(1, target.timeouts.keepalive_count))
    if target.password is None:
        yield "BatchMode", "yes"


def _truth(value: bool) -> str:
    return "yes" if value else "no"


def _word(target: SSHTarget, text: str, *, percent: bool = True) -> str:
    shown = _line(target, text) if percent else text
    if '"' in shown or "\n" in shown:
        raise UsageError(f"{target.host}: {text!r} can't be said to ssh(1), which the bridge uses")
    return f'"{shown}"'


def _line(target: SSHTarget, text: str) -> str:
    if "\n" in text or "\r" in text:
        raise UsageError(f"{target.host}: {text!r} can't be said to ssh(1), which the bridge uses")
    return text.replace("%", "%%")
