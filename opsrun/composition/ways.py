"""Ways to reach hosts: what the inventory and the options say of each, all asked beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from opsrun.errors import NotBuiltError, UsageError
from opsrun.inventory import Host
from opsrun.remote.become import BecomeSpec
from opsrun.remote.connection import USUAL, Manner
from opsrun.transports.ssh_config.config import SSHConfig
from opsrun.transports.targets.become import become_spec, myself
from opsrun.transports.targets.build import ConnectionDefaults, build_target
from opsrun.transports.targets.target import LocalTarget, ProgramTarget, SSHTarget, Target


@dataclass(frozen=True, slots=True)
class Way:
    """How one host will be reached; nothing is reached yet."""

    host: str
    target: Target
    become: BecomeSpec | None = None
    """As whom its commands run; None for the login user."""


def find_ways(
    hosts: Iterable[Host], defaults: ConnectionDefaults, *, becomes: bool = False
) -> list[Way]:
    """Answer every question of configuration for every host, before the first is reached.

    Args:
        hosts: whom to reach.
        defaults: what holds for all of them.
        becomes: whether what is done there is done as another user, where that is asked for.

    Raises:
        UsageError: a connection variable or option can't be used; the message names its origin.
        NotBuiltError: one asks for what is not built yet.
        ConfigError: an ssh_config file is wrong.
    """
    config = defaults.read_ssh_config()
    ways = [_find_way(host, defaults, config, becomes) for host in hosts]
    asked = defaults.become
    if becomes and asked and not asked.everywhere and not any(way.become for way in ways):
        raise UsageError(
            "there is a become user, method or password, and no host that becomes anybody: "
            "say --become (-b) too"
        )
    return ways


def check_manner(ways: Iterable[Way], manner: Manner) -> None:
    """Refuse what some way has no means for, before the first host is reached.

    Raises:
        NotBuiltError: a terminal, or raw words, where that is not to be had.
        UsageError: raw words for this machine's shell.
    """
    if manner == USUAL:
        return
    what = "--raw" if manner.raw else "--pty"
    for way in ways:
        if way.become is not None:
            raise NotBuiltError(f"{way.host}: {what} doesn't go with become ({way.become.method})")
        if isinstance(way.target, ProgramTarget):
            raise NotBuiltError(f"{way.host}: {what} doesn't go through {way.target.program}")
        if isinstance(way.target, LocalTarget) and manner.raw:
            raise UsageError(f"{way.host}: --raw is for hosts that are reached over SSH")


def _find_way(host: Host, defaults: ConnectionDefaults, config: SSHConfig, becomes: bool) -> Way:
    origin = _origins(host)
    target = build_target(host.name, host.variables, defaults, config, origin=origin)
    if not becomes:
        return Way(host.name, target)
    spec = become_spec(
        host.name, host.variables, defaults.become, login_user(target), origin=origin
    )
    return Way(host.name, target, spec)


def login_user(target: object) -> str | None:
    """Who logs in, where we know it."""
    if isinstance(target, LocalTarget):
        return myself()
    return target.user if isinstance(target, SSHTarget) else None


def _origins(host: Host) -> Callable[[str], str]:
    variables = host.variables
    return lambda name: str(variables.value(name).origin)
