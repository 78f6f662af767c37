"""systemd_service: a unit of systemd's runs or not, and is enabled, disabled or masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import (
    Beginning,
    Context,
    Inspection,
    ModuleError,
    ModuleResult,
    Plan,
    StateModule,
    Steps,
)
from opsrun.modules.looking import Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.services import units
from opsrun.modules.services.units import UnitSeen, UnitWish
from opsrun.remote.command import CommandResult

STATES = ("reloaded", "restarted", "started", "stopped")


@dataclass(frozen=True, kw_only=True)
class UnitOptions:
    """What a unit's manager can be asked for."""

    enabled: bool | None = option(doc="Whether it is started with the host.")
    masked: bool | None = option(doc="Whether it can't be started at all.")
    daemon_reload: bool = option(
        False, aliases=("daemon-reload",), doc="Whether systemd reads its files again before."
    )
    daemon_reexec: bool = option(
        False, aliases=("daemon-reexec",), doc="Whether systemd begins anew before."
    )
    scope: str = option(
        "system", choices=("system", "user", "global"), doc="Whose units: the host's, or users'."
    )
    force: bool = option(False, doc="Whether links that are in the way are replaced.")
    no_block: bool = option(False, doc="Whether nobody waits until it has started or stopped.")

    @property
    def again(self) -> Run | None:
        """What has systemd read its files again, if that is wanted."""
        if not (self.daemon_reload or self.daemon_reexec):
            return None
        script = units.reload_script(
            self.scope, reload=self.daemon_reload, reexec=self.daemon_reexec
        )
        return Run(script, environment=True)


def nameless(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Options that are about a unit, where none is named."""
    if values.get("called") is None:
        for name in ("state", "enabled", "masked"):
            if values.get(name) is not None:
                yield name, "needs name: the unit that it is about"


@module("systemd_service", judged=nameless)
class SystemdService(UnitOptions, StateModule[UnitSeen | None]):
    """See to it that a unit of systemd's runs or not, and is enabled, disabled or masked."""

    ahead = True

    called: str | None = option(name="name", aliases=("service", "unit"), doc="The unit.")
    state: str | None = option(choices=STATES, doc="What becomes of it.")

    def steps(self, context: Context) -> Steps:
        """The units' files are read again first, if that is wanted."""
        if self.again is not None and not context.check:
            reloaded((yield self.again))
        return (yield from super().steps(context))

    def background(self, context: Context) -> Beginning:
        """The same; reading files again takes no time that is worth leaving."""
        if self.again is not None and not context.check:
            reloaded((yield self.again))
        return (yield from super().background(context))

    @property
    def wish(self) -> UnitWish | None:
        """What is wanted of the unit; None where none is named."""
        if self.called is None:
            return None
        return UnitWish(
            self.called,
            self.state,
            self.enabled,
            self.masked,
            self.scope,
            self.force,
            self.no_block,
        ).checked()

    def inspect(self, context: Context) -> Inspection[UnitSeen | None]:
        """What systemctl tells of it."""
        wish = self.wish
        if wish is None:
            return Inspection(":", lambda answer: None)

        def parse(answer: CommandResult) -> UnitSeen | None:
            return units.seen(Answers(answer), wish)

        return Inspection(units.look_script(wish), parse, environment=True)

    def plan(self, state: UnitSeen | None, context: Context) -> Plan:
        """What systemctl has to do."""
        wish = self.wish
        if wish is None or state is None:
            return Plan(result=ModuleResult(data={"name": None, "status": {}}))
        return units.plan(state, wish)

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """What came of it."""
        return units.concluded(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return units.concluded(ModuleResult.from_dict(recipe["result"]), answer)


def reloaded(answer: CommandResult) -> None:
    """ModuleError: systemd did not read its files again."""
    if not answer.ok:
        raise ModuleError.of(answer, "failure during daemon-reload")
