"""What the configuration says of one host, as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from opsrun.errors import ConfigError, NotBuiltError
from opsrun.transports.ssh_config.evaluate import Evaluation
from opsrun.transports.ssh_config.keywords import Use, use_of
from opsrun.transports.ssh_config.parse import Setting
from opsrun.transports.ssh_config.tokens import Tokens
from opsrun.transports.ssh_config.values import BadValue

Family = Literal["any", "inet", "inet6"]
_FAMILIES: dict[str, Family] = {"any": "any", "inet": "inet", "inet6": "inet6"}


@dataclass(frozen=True, slots=True)
class HostConfig:
    """What the configuration says of one host; None where it says nothing."""

    original: str
    hostname: str
    """Name or address to dial."""
    user: str | None
    port: int | None
    identities: tuple[tuple[str, Setting], ...] | None
    """Each identity file, expanded, with the setting that names it; none at all for ``none``."""
    certificate_files: tuple[str, ...] | None
    identities_only: bool
    identity_agent: str | None
    """``none``, a socket's path, or None for ``SSH_AUTH_SOCK``."""
    host_key_alias: str | None
    proxy_jump: str | None
    proxy_command: str | None
    user_known_hosts: tuple[str, ...] | None
    global_known_hosts: tuple[str, ...] | None
    strict_host_key_checking: str | None
    """``yes``, ``ask``, ``accept-new`` or ``no``."""
    hash_known_hosts: bool
    connect_timeout: float | None
    """Seconds."""
    connection_attempts: int | None
    server_alive_interval: float | None
    """Seconds; 0 for never."""
    server_alive_count_max: int | None
    address_family: Family
    preferred_authentications: tuple[str, ...] | None
    pubkey: bool
    password: bool
    keyboard_interactive: bool
    batch: bool
    """Nobody is to be asked for anything."""
    settings: Mapping[str, Setting]
    """The setting that counted, by keyword in lower case."""

    @property
    def identity_files(self) -> tuple[str, ...] | None:
        """The paths of ``identities``."""
        return _paths(self.identities)

    def origin_of(self, keyword: str) -> str:
        """Where the value of ``keyword`` (lower case) was written; empty if nowhere."""
        found = self.settings.get(keyword)
        return found.origin if found else ""

    def of_use(self, use: Use) -> tuple[Setting, ...]:
        """The settings of this host that are honoured, unused, refused …"""
        return tuple(one for one in self.settings.values() if use_of(one.keyword, one.text) is use)

    @property
    def unused(self) -> tuple[Setting, ...]:
        """What was passed over though OpenSSH would act on it: for ``-vv`` to tell."""
        return self.of_use(Use.UNUSED)

    def require_built(self) -> None:
        """Refuse what would decide where we end up, and isn't built.

        Raises:
            NotBuiltError: naming the setting and where it was written.
        """
        for setting in self.of_use(Use.REFUSED):
            raise NotBuiltError(f"{setting.origin}: {setting}: this is not built yet")


def finish(state: Evaluation) -> HostConfig:
    """What an evaluation came to, every value expanded.

    Raises:
        ConfigError: a token or variable that can't be; file and line are in the message.
    """
    tokens = state.tokens()
    one, text = state.chosen.get, state.text
    preferred = text("preferredauthentications")
    return HostConfig(
        original=state.original,
        hostname=tokens.hostname,
        user=text("user"),
        port=state.number("port"),
        identities=_files(state, "identityfile", tokens),
        certificate_files=_paths(_files(state, "certificatefile", tokens)),
        identities_only=text("identitiesonly") == "yes",
        identity_agent=_agent(one("identityagent"), tokens),
        host_key_alias=text("hostkeyalias"),
        proxy_jump=_unless_none(text("proxyjump")),
        proxy_command=_unless_none(text("proxycommand")),
        user_known_hosts=_known_hosts(one("userknownhostsfile"), tokens),
        global_known_hosts=_known_hosts(one("globalknownhostsfile"), tokens),
        strict_host_key_checking=text("stricthostkeychecking"),
        hash_known_hosts=text("hashknownhosts") == "yes",
        connect_timeout=state.duration("connecttimeout"),
        connection_attempts=state.number("connectionattempts"),
        server_alive_interval=state.duration("serveraliveinterval"),
        server_alive_count_max=state.number("serveralivecountmax"),
        address_family=_FAMILIES[text("addressfamily") or "any"],
        preferred_authentications=tuple(preferred.split(",")) if preferred else None,
        pubkey=text("pubkeyauthentication") != "no",
        password=text("passwordauthentication") != "no",
        keyboard_interactive=text("kbdinteractiveauthentication") != "no",
        batch=text("batchmode") == "yes",
        settings=state.chosen,
    )


def _unless_none(value: str | None) -> str | None:
    return None if value is None or value.lower() == "none" else value


def _expanded(setting: Setting, text: str, tokens: Tokens) -> str:
    try:
        return tokens.path(text)
    except BadValue as bad:
        raise ConfigError(f"{setting.origin}: {setting}: {bad.message}") from None


_Files = tuple[tuple[str, Setting], ...] | None


def _files(state: Evaluation, keyword: str, tokens: Tokens) -> _Files:
    found = state.accumulated[keyword]
    if not found:
        return None
    kept = [one for one in found if str(one.value).lower() != "none"]
    named: dict[str, Setting] = {}
    for one in kept:
        named.setdefault(_expanded(one, str(one.value), tokens), one)
    return tuple(named.items())


def _paths(files: _Files) -> tuple[str, ...] | None:
    return None if files is None else tuple(path for path, _ in files)


def _known_hosts(setting: Setting | None, tokens: Tokens) -> tuple[str, ...] | None:
    if setting is None:
        return None
    assert isinstance(setting.value, tuple)
    return tuple(_expanded(setting, one, tokens) for one in setting.value)


def _agent(setting: Setting | None, tokens: Tokens) -> str | None:
    if setting is None or setting.value == "SSH_AUTH_SOCK":
        return None
    text = str(setting.value)
    if text.lower() == "none":
        return "none"
    if text.startswith("$") and not text.startswith("${"):
        return tokens.local.environment.get(text[1:]) or "none"
    return _expanded(setting, text, tokens)
