"""From what ssh_config and the layers above it say of a host to a target, jump hosts included."""

from __future__ import annotations

import os
from dataclasses import dataclass

from opsrun.errors import NotBuiltError, UsageError
from opsrun.remote.deadline import LONGEST, Timeouts
from opsrun.transports.ssh_config.config import SSHConfig
from opsrun.transports.ssh_config.host import HostConfig
from opsrun.transports.ssh_config.keywords import spelling
from opsrun.transports.ssh_config.parse import Setting
from opsrun.transports.targets.jumps import Hop, expanded, parse_hops
from opsrun.transports.targets.target import HostKeyChecking, SSHTarget
from opsrun.transports.targets.values import checked_address, checked_alias, checked_user

USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")

_CHECKING: dict[str, HostKeyChecking] = {
    "yes": "strict",
    "ask": "strict",
    "accept-new": "accept-new",
    "no": "off",
}
_METHODS = ("publickey", "password", "keyboard-interactive")


def ssh_target(host: str, found: HostConfig, options: list[Setting], hops: Hops) -> SSHTarget:
    """Answer every question of configuration for one host, but that of its password.

    Args:
        host: inventory name.
        found: what the configuration says of it.
        options: the layers above ssh_config.
        hops: where jump hosts are looked up.

    Raises:
        UsageError: a value that can't be used; its origin is in the message.
        NotBuiltError: a setting that decides where we end up, and isn't built.
    """
    found.require_built()
    address = checked_address(found.hostname, found.origin_of("hostname") or "inventory")
    user = checked_user(found.user or hops.config.local.user, found.origin_of("user") or "user")
    port = found.port or 22
    values = {"h": address, "n": found.original, "p": str(port), "r": user}
    alias = found.host_key_alias
    return SSHTarget(
        host=host,
        address=address,
        port=port,
        user=user,
        identity_files=_present(found.identities or (), options),
        certificate_files=found.certificate_files or (),
        identities_only=found.identities_only,
        default_identities=found.identities is None,
        use_agent=found.identity_agent != "none",
        agent_socket=None if found.identity_agent == "none" else found.identity_agent,
        may_ask=not found.batch,
        auth_methods=_methods(found),
        address_family=found.address_family,
        connection_attempts=found.connection_attempts or 1,
        host_key_alias=checked_alias(alias, found.origin_of("hostkeyalias")) if alias else None,
        known_hosts=_known_hosts(found),
        host_key_checking=_CHECKING[found.strict_host_key_checking or "ask"],
        hash_known_hosts=found.hash_known_hosts,
        timeouts=_timeouts(found),
        jump=hops.before(found, values),
        proxy_command=_proxy_command(found, values),
        without_effect=tuple(f"{spelling(one.keyword)} ({one.origin})" for one in found.unused),
    )


def _proxy_command(found: HostConfig, values: dict[str, str]) -> str | None:
    if found.proxy_command is None:
        return None
    passing = found.settings.get("proxyusefdpass")
    if passing is not None and passing.text.lower() in ("yes", "true"):
        raise NotBuiltError(f"{passing.origin}: {passing}: this is not built yet")
    return expanded(found.proxy_command, values, f"{found.origin_of('proxycommand')}: ProxyCommand")


@dataclass(frozen=True, slots=True)
class Hops:
    """Where jump hosts are looked up: each is a host of its own to ssh_config.

    As with ssh, what was said of the host (its user, its port, its key) doesn't hold for the hosts
    before it, nor does its password.
    """

    config: SSHConfig
    options: list[Setting]
    """What holds for every jump host, above ssh_config."""
    behind: tuple[tuple[str, int, str], ...] = ()
    """Address, port and user of the hosts that are reached through the one asked for."""

    def before(self, found: HostConfig, values: dict[str, str]) -> SSHTarget | None:
        """The jump host through which a host is reached; None to dial it directly.

        A host that is itself one of its jump hosts, as ``Host *`` with a ProxyJump makes it, is
        reached through those before it alone.

        Raises:
            UsageError: jump hosts that can't be used, or that go round in a circle.
        """
        if found.proxy_jump is None:
            return None
        place = f"{found.origin_of('proxyjump')}: ProxyJump"
        chain = parse_hops(expanded(found.proxy_jump, values, place), place)
        me = (values["h"].lower(), int(values["p"]), values["r"])
        ends = [self._end(hop) for hop in chain]
        if me in ends:
            chain = chain[: ends.index(me)]
        if not chain:
            return None
        if again := [end for end in ends[: len(chain)] if end in self.behind]:
            raise UsageError(f"{place}: the jump hosts go round in a circle at {again[0][0]}")
        return Hops(self.config, self.options, (*self.behind, me)).target(chain, place)

    def _end(self, hop: Hop) -> tuple[str, int, str]:
        found = self.config.lookup(hop.host, hop.user, hop.port, options=self.options)
        return found.hostname.lower(), found.port or 22, found.user or self.config.local.user

    def target(self, chain: tuple[Hop, ...], place: str) -> SSHTarget:
        """The last host of a chain, through the others."""
        *before, last = chain
        options = list(self.options)
        if before:
            # What comes before it in the chain counts for more than its own ProxyJump.
            text = ",".join(map(str, before))
            options.append(Setting("proxyjump", text, text, place.removesuffix(": ProxyJump")))
        found = self.config.lookup(last.host, last.user, last.port, options=options)
        return ssh_target(str(last), found, options, self)


def _present(
    identities: tuple[tuple[str, Setting], ...], options: list[Setting]
) -> tuple[str, ...]:
    """Without the files that only ssh_config names and that don't exist: ssh passes over those."""
    return tuple(
        path
        for path, setting in identities
        if any(setting is one for one in options)
        or os.path.lexists(path)
        or os.path.lexists(f"{path}.pub")
    )


def _methods(found: HostConfig) -> tuple[str, ...]:
    allowed = (found.pubkey, found.password, found.keyboard_interactive)
    on = [method for method, may in zip(_METHODS, allowed, strict=True) if may]
    return tuple(one for one in found.preferred_authentications or _METHODS if one in on)


def _known_hosts(found: HostConfig) -> tuple[str, ...]:
    users, common = found.user_known_hosts, found.global_known_hosts
    # Nowhere to record new keys is a place too; else they would go into the system-wide file.
    mine = USER_KNOWN_HOSTS if users is None else users or (os.devnull,)
    return mine + (GLOBAL_KNOWN_HOSTS if common is None else common)


def _timeouts(found: HostConfig) -> Timeouts:
    usual = Timeouts()
    connect = min(found.connect_timeout or 0.0, LONGEST)
    alive, count = found.server_alive_interval, found.server_alive_count_max
    return Timeouts(
        tcp=connect or usual.tcp,
        banner=connect or usual.banner,
        kex=connect or usual.kex,
        keepalive=usual.keepalive if alive is None else min(float(alive), LONGEST),
        keepalive_count=count or usual.keepalive_count,
    )
