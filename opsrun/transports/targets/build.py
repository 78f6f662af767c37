"""From variables, command line and ssh_config to a target, every question answered.

Precedence is Ansible's, tried with ansible-core: ``ansible_ssh_args``; the variables of their own
(``ansible_port`` …), where one is missing the command line's ``-u``, ``--private-key``, ``-T`` and
``--host-key-checking``; ``ansible_ssh_common_args``; ``ansible_ssh_extra_args``; ``-O`` and ``-J``;
ssh_config; built-in defaults. Of two variables that mean the same, ``ansible_ssh_*`` wins. As with
ssh, identity files of all layers add up, except that ``ansible_private_key_file`` stands in for
``--private-key``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from opsrun.errors import NotBuiltError, UsageError, did_you_mean
from opsrun.secret import Secret
from opsrun.transports.ssh_config.config import SSHConfig
from opsrun.transports.ssh_config.parse import Setting
from opsrun.transports.ssh_config.values import Value
from opsrun.transports.targets.args import arguments, option
from opsrun.transports.targets.become import Become
from opsrun.transports.targets.programs import CONTAINERS, container_target, ssh_program_target
from opsrun.transports.targets.resolved import Hops, ssh_target
from opsrun.transports.targets.target import HostKeyChecking, LocalTarget, ProgramTarget, Target
from opsrun.transports.targets.values import Variables, checked_address

_SSH = ("ssh", "smart", "paramiko", "paramiko_ssh")
_NOT_BUILT = (
    *("oc", "chroot", "jail", "lxc", "lxd", "incus", "buildah", "winrm", "psrp", "network_cli"),
    *("netconf", "httpapi", "aws_ssm", "libvirt_lxc", "nsenter"),
)
_NOT_BUILT_VARIABLES = (
    "ansible_ssh_pkcs11_provider",
    "ansible_pkcs11_provider",
)
_BUILT = ("local", "ssh_binary", *CONTAINERS)
_PASSWORDS = ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password")
_TO_SSH = {"strict": "yes", "accept-new": "accept-new", "off": "no"}


@dataclass(frozen=True, slots=True)
class ConnectionDefaults:
    """What the command line, or the caller, says for all hosts; a host's own variables win."""

    user: str | None = None
    """``-u``."""
    password: Secret | None = None
    """``-k``."""
    private_keys: tuple[str, ...] = ()
    """``--private-key``."""
    port: int | None = None
    connect_timeout: float | None = None
    """``-T``, seconds."""
    host_key_checking: HostKeyChecking | None = None
    ssh_options: tuple[str, ...] = ()
    """``-O``, each as ssh takes it after ``-o``."""
    jump: str | None = None
    """``-J``."""
    become: Become | None = None
    """``-b`` and its kin; None for nobody."""
    ssh_config: str | None = None
    """``-F``: a file in place of the usual ones; ``none`` for no file."""

    def read_ssh_config(self) -> SSHConfig:
        """Read the files that ``ssh_config`` asks for.

        Raises:
            ConfigError: a file is missing or wrong.
        """
        return SSHConfig.load(self.ssh_config)


def build_target(
    host_name: str,
    variables: Mapping[str, Any],
    defaults: ConnectionDefaults,
    ssh_config: SSHConfig | None = None,
    *,
    origin: Callable[[str], str] | None = None,
) -> Target:
    """Answer every question of configuration for one host.

    Args:
        host_name: inventory name; dialled if nothing else is said.
        variables: the host's, extra variables included.
        defaults: what holds for all hosts.
        ssh_config: None for none at all.
        origin: says where a variable was written, for messages.

    Raises:
        UsageError: a value that can't be used; variable and origin are in the message.
        NotBuiltError: understood, but not built.
        ConfigError: an ssh_config file that ``-F`` in a variable names is wrong.
    """
    known = Variables(host_name, variables, origin)
    _refuse_what_is_not_built(known)
    kind = _kind(known)
    if kind == "local":
        return LocalTarget(host_name)
    if kind in CONTAINERS:
        return container_target(CONTAINERS[kind], known, _patience(known, kind, defaults))
    name = known.last("ansible_host", "ansible_ssh_host")
    place = known.place(name) if name else "inventory"
    address = checked_address(known.text(name) if name else host_name, place)
    if kind == "ssh_binary":
        return _ssh_program(known, defaults, address)
    options, file = _options(known, defaults)
    config = ssh_config or SSHConfig()
    config = config.other(os.path.expanduser(file)) if file else config
    found = config.lookup(address, options=options)
    named = known.last(*_PASSWORDS)
    password = known.secret(named) if named else defaults.password
    hops = Hops(config, _for_hops(defaults))
    return replace(ssh_target(host_name, found, options, hops), password=password)


def _ssh_program(known: Variables, defaults: ConnectionDefaults, address: str) -> ProgramTarget:
    if known.last(*_PASSWORDS) or defaults.password is not None:
        named = known.last(*_PASSWORDS)
        place = known.place(named) if named else f"{known.host}: -k"
        raise NotBuiltError(f"{place}: ssh(1) is given no password; use a key, or connection ssh")
    options, file = _options(known, defaults, any_use=True)
    return ssh_program_target(known, address, options, file or defaults.ssh_config)


def _patience(known: Variables, kind: str, defaults: ConnectionDefaults) -> float:
    """Seconds until a container's shell has to have begun; kubectl has much to ask before."""
    name = known.last("ansible_timeout", f"ansible_{CONTAINERS[kind]}_timeout")
    return known.seconds(name) if name else defaults.connect_timeout or 30.0


def _refuse_what_is_not_built(known: Variables) -> None:
    if name := known.last(*_NOT_BUILT_VARIABLES):
        raise NotBuiltError(f"{known.place(name)}: this is not built yet")


def _kind(known: Variables) -> str:
    name = known.last("ansible_connection")
    if name is None:
        return "ssh"
    kind = known.text(name).removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
    if kind in _SSH:
        return "ssh"
    if kind in _BUILT:
        return kind
    if kind in _NOT_BUILT or "." in kind:
        raise NotBuiltError(f"{known.place(name)}: the connection {kind!r} is not built yet")
    guess = did_you_mean(kind, (*_SSH, *_BUILT, *_NOT_BUILT))
    raise UsageError(f"{known.place(name)}: there is no connection {kind!r}{guess}")


def _options(
    known: Variables, defaults: ConnectionDefaults, *, any_use: bool = False
) -> tuple[list[Setting], str | None]:
    """The layers above ssh_config, the first one winning, and the file that takes its place."""
    layers: dict[str, tuple[Setting, ...]] = {}
    file: str | None = None
    for name in ("ansible_ssh_extra_args", "ansible_ssh_common_args", "ansible_ssh_args"):
        layers[name] = ()
        if known.last(name):
            line, place = known.line(name), known.place(name)
            layers[name], other = arguments(line, place, any_use=any_use)
            file = other or file
    ours = [option(text, "-O", any_use=any_use) for text in defaults.ssh_options]
    jump = [Setting("proxyjump", defaults.jump, defaults.jump, "-J")] if defaults.jump else []
    ordered = [
        *layers["ansible_ssh_args"],
        *_own(known, defaults),
        *layers["ansible_ssh_common_args"],
        *layers["ansible_ssh_extra_args"],
        *jump,
        *ours,
    ]
    return ordered, file


def _own(known: Variables, defaults: ConnectionDefaults) -> list[Setting]:
    """The variables that have a meaning of their own, or the command line in their place."""
    found: list[Setting] = []

    def add(keyword: str, value: Value, place: str) -> None:
        found.append(Setting(keyword, value, str(value), place))

    if name := known.last("ansible_port", "ansible_ssh_port"):
        add("port", known.port(name), known.place(name))
    elif defaults.port is not None:
        add("port", _port(defaults.port), "port")
    if name := known.last("ansible_user", "ansible_ssh_user"):
        add("user", known.word(name), known.place(name))
    elif defaults.user is not None:
        add("user", defaults.user, "-u")
    if name := known.last("ansible_private_key_file", "ansible_ssh_private_key_file"):
        add("identityfile", known.text(name), known.place(name))
    else:
        for path in defaults.private_keys:
            add("identityfile", path, "--private-key")
    if name := known.last("ansible_timeout", "ansible_ssh_timeout"):
        add("connecttimeout", known.seconds(name), known.place(name))
    elif defaults.connect_timeout is not None:
        add("connecttimeout", defaults.connect_timeout, "-T")
    if name := known.last("ansible_paramiko_proxy_command"):
        add("proxycommand", known.text(name), known.place(name))
    if name := known.last("ansible_host_key_checking", "ansible_ssh_host_key_checking"):
        add("stricthostkeychecking", _checking(known, name), known.place(name))
    elif defaults.host_key_checking is not None:
        checking = _TO_SSH[defaults.host_key_checking]
        add("stricthostkeychecking", checking, "--host-key-checking")
    return found


def _for_hops(defaults: ConnectionDefaults) -> list[Setting]:
    """What the command line says of jump hosts too; user, port and password are the hosts' own."""
    return _own(Variables("", {}, None), replace(defaults, user=None, port=None))


def _port(port: int) -> int:
    if not 0 < port < 65536:
        raise UsageError(f"expected a port from 1 to 65535, found {port}")
    return port


def _checking(known: Variables, name: str) -> str:
    value = known.raw(name)
    if isinstance(value, str) and value in _TO_SSH:
        return _TO_SSH[value]
    return "yes" if known.truth(name) else "no"
