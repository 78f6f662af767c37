"""The state of one lookup: what has been chosen so far, while the blocks are gone through."""

from __future__ import annotations

from collections.abc import Iterable

from opsrun.errors import ConfigError
from opsrun.transports.ssh_config.parse import Setting
from opsrun.transports.ssh_config.tokens import Local, Tokens, only_host
from opsrun.transports.ssh_config.values import ACCUMULATING, BadValue


class Evaluation:
    """Collects settings for one host; the first value of a keyword wins.

    Args:
        original: the host as it was asked for.
        local: what tokens say of this machine.
        options: settings that win over all that follow.
    """

    def __init__(self, original: str, local: Local, options: Iterable[Setting]) -> None:
        self.original = original
        self.final = False
        self.local_user = local.user
        self.chosen: dict[str, Setting] = {}
        self.accumulated: dict[str, list[Setting]] = {name: [] for name in ACCUMULATING}
        self._local = local
        self._hostname: str | None = None
        self.take(options)

    def take(self, settings: Iterable[Setting]) -> None:
        """Settings of a block that counts, in their order."""
        for setting in settings:
            keyword = setting.keyword
            if keyword in ACCUMULATING:
                self._accumulate(setting)
            if not self._outdone(keyword):
                self.chosen.setdefault(keyword, setting)

    def _outdone(self, keyword: str) -> bool:
        """ProxyJump and ProxyCommand share a place, but for a ``ProxyJump none``."""
        if keyword == "proxyjump":
            return "proxycommand" in self.chosen
        jump = self.text("proxyjump") if keyword == "proxycommand" else None
        return jump is not None and jump.lower() != "none"

    def _accumulate(self, setting: Setting) -> None:
        known = self.accumulated[setting.keyword]
        if all(one.value != setting.value for one in known):
            known.append(setting)

    def enter_final(self) -> None:
        """Begin the second time through: ``final`` holds, and the host name stands."""
        self._hostname = self.host_so_far().lower()
        self.final = True

    def text(self, keyword: str) -> str | None:
        """The value chosen for a keyword, as text."""
        found = self.chosen.get(keyword)
        return None if found is None else str(found.value)

    def number(self, keyword: str) -> int | None:
        """The value chosen for a keyword that takes a number or ``none``."""
        found = self.chosen.get(keyword)
        return found.value if found and isinstance(found.value, int) else None

    def duration(self, keyword: str) -> float | None:
        """The seconds chosen for a keyword that takes a time or ``none``."""
        found = self.chosen.get(keyword)
        return found.value if found and isinstance(found.value, int | float) else None

    def host_so_far(self) -> str:
        """The name to dial as it stands now, ``%h`` expanded.

        Raises:
            ConfigError: HostName holds another token.
        """
        if self._hostname is not None:
            return self._hostname
        setting = self.chosen.get("hostname")
        if setting is None:
            return self.original
        try:
            return only_host(str(setting.value), self.original)
        except BadValue as bad:
            raise ConfigError(f"{setting.origin}: {bad.message}") from None

    def user_so_far(self) -> str:
        """The remote user as it stands now."""
        return self.text("user") or self.local_user

    def command(self, template: str) -> str:
        """The command of a ``Match exec`` with its tokens expanded.

        Raises:
            BadValue: a token that there is not.
        """
        return self.tokens().percent(template)

    def tokens(self) -> Tokens:
        """The tokens as they stand now."""
        return Tokens(
            local=self._local,
            original=self.original,
            hostname=self.host_so_far().lower(),
            user=self.user_so_far(),
            port=self.number("port") or 22,
            alias=self.text("hostkeyalias") or self.original,
        )
