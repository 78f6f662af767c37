"""service: a service runs or not, and is started with the host or not, whoever manages it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from opsrun.errors import did_you_mean
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
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.services import managers, units
from opsrun.modules.services.managers import MANAGERS, ScriptSeen
from opsrun.modules.services.systemd import STATES, UnitOptions, nameless, reloaded
from opsrun.modules.services.units import UnitSeen, UnitWish
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_DONE = {"reloaded": "started", "restarted": "started"}
_UNITS_OWN = ("masked", "daemon_reload", "daemon_reexec", "force", "no_block")


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield from nameless(values)
    use = values.get("use")
    if isinstance(use, str) and "{{" not in use and _manager(use) is None:
        near = did_you_mean(use, tuple(MANAGERS))
        yield "use", f"no manager that is known here: {use!r}{near}"


def _manager(use: str) -> str | None:
    return MANAGERS.get(use.removeprefix("ansible.builtin.").removeprefix("ansible.legacy."))


@module("service", judged=_judged)
class Service(UnitOptions, StateModule[UnitSeen | ScriptSeen | None]):
    """See to it that a service runs or not, and is started with the host or not.

    Unproven: OpenRC, chkconfig, FreeBSD and OpenBSD are asked as their documentation says, and
    were never tried.
    """

    ahead = True

    called: str | None = option(name="name", doc="The service.")
    state: str | None = option(choices=STATES, doc="What becomes of it.")
    arguments: str = option("", aliases=("args",), doc="Words for its script; not for systemd.")
    pattern: str | None = option(
        doc="What a process's command line holds if it runs; not for systemd."
    )
    sleep: int | None = option(doc="Seconds between stop and start; not for systemd.")
    runlevel: str = option("default", doc="Of OpenRC's, which one it belongs to.")
    use: str = option("auto", doc="The manager: auto, systemd, sysvinit, openrc.")

    def steps(self, context: Context) -> Steps:
        """Units' files are read again first, if that is wanted and it is systemd that reads any."""
        if self.again is not None and not context.check:
            reloaded((yield self._again(self.again)))
        return (yield from super().steps(context))

    def background(self, context: Context) -> Beginning:
        """The same."""
        if self.again is not None and not context.check:
            reloaded((yield self._again(self.again)))
        return (yield from super().background(context))

    def _again(self, request: Run) -> Run:
        script = f"[ -d /run/systemd/system ] || exit 0\n{request.script}"
        return Run(script, environment=True)

    @property
    def _wish(self) -> UnitWish:
        return UnitWish(
            self.called or "",
            self.state,
            self.enabled,
            self.masked,
            self.scope,
            self.force,
            self.no_block,
        ).checked()

    @property
    def _head(self) -> str:
        return managers.head(
            self.called or "",
            _manager(self.use) or "",
            self.runlevel,
            shlex.join(shlex.split(self.arguments)),
            self.pattern,
        )

    def inspect(self, context: Context) -> Inspection[UnitSeen | ScriptSeen | None]:
        """Who manages it, and what that one tells of it."""
        if self.called is None:
            return Inspection(":", lambda answer: None)
        if "/" in self.called and not self.called.startswith("/"):
            raise ModuleError(f"name: {self.called!r} is no name of a service")
        unit = units.look_script(self._wish)
        rest = f"{managers.CALL}{managers.LOOK_AT}"
        script = f"{LOOK}{self._head}if [ $m = systemd ]; then\n{unit}else\n{rest}fi\n"
        return Inspection(script, self._parse, environment=True)

    def _parse(self, answer: CommandResult) -> UnitSeen | ScriptSeen:
        answers = Answers(answer)
        manager = answers.get("manager")
        if manager is None:
            return units.seen(answers, self._wish)
        running = managers.is_running(answers.number("rc"), answers.text("status"))
        if self.pattern:
            running = any(self.pattern in line for line in answers.text("ps").splitlines())
        return ScriptSeen(
            manager,
            answers.get("there") is not None,
            answers.get("enabled") is not None,
            running,
            tuple(answers.text("names").split()),
        )

    def plan(self, state: UnitSeen | ScriptSeen | None, context: Context) -> Plan:
        """What its manager has to do."""
        if state is None:
            return Plan(result=ModuleResult(data={"name": None, "status": {}}))
        if isinstance(state, UnitSeen):
            return units.plan(state, self._wish)
        return self._scripted(state)

    def _scripted(self, seen: ScriptSeen) -> Plan:
        if self.masked is not None:
            raise ModuleError("masked: this host has no systemd, and only its units can be masked")
        if not seen.there:
            near = did_you_mean(self.called or "", seen.names)
            raise ModuleError(f"Could not find the requested service {self.called}: host{near}")
        turned = self.enabled is not None and self.enabled != seen.enabled
        verbs = list(self._verbs(seen))
        data: dict[str, Any] = {"name": self.called}
        if self.enabled is not None:
            data["enabled"] = self.enabled
        if self.state is not None:
            data["state"] = _DONE.get(self.state, self.state)
        result = ModuleResult(turned or bool(verbs), data=data, warnings=self._remarks())
        if not result.changed:
            return Plan(result=result)
        lines = "".join(self._lines(seen, turned=turned, verbs=verbs))
        script = f"{LOOK}{self._head}{managers.CALL}{managers.DO}{lines}"
        # What it starts may hold its output for ever.
        return Plan((Run(script, apart=True, environment=True),), result)

    def _remarks(self) -> tuple[str, ...]:
        given = [name for name in _UNITS_OWN if getattr(self, name)]
        if not given:
            return ()
        return (f"{', '.join(given)}: this host has no systemd, so nothing came of that",)

    def _verbs(self, seen: ScriptSeen) -> Iterator[str]:
        if self.state == "started" and not seen.running:
            yield "start"
        if self.state == "stopped" and seen.running is not False:
            yield "stop"
        if self.state == "reloaded":
            yield "reload" if seen.running else "start"
        if self.state == "restarted":
            yield from ("restart",) if self.sleep is None else ("stop", "sleep", "start")

    def _lines(self, seen: ScriptSeen, *, turned: bool, verbs: Sequence[str]) -> Iterator[str]:
        words = " ".join(map(word, shlex.split(self.arguments)))
        if turned:
            yield f"turn {'on' if self.enabled else 'off'}\n"
        for verb in verbs:
            yield f"sleep {self.sleep}\n" if verb == "sleep" else f"ran {verb} ask {verb} {words}\n"
        if verbs and verbs[-1] in ("start", "restart") and not self.pattern:
            # A script that never told of it would not tell of it now.
            yield f"stays_up {words}\n" if seen.running is not None else ""

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """What came of it."""
        return _concluded(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _concluded(ModuleResult.from_dict(recipe["result"]), answer)


def _concluded(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    if "status" in result.data:
        return units.concluded(result, answer)
    answers = Answers(answer)
    failed = answers.get("failed")
    if failed is None:
        return result
    verb = {"on": "enable", "off": "disable"}.get(failed, failed)
    words = answers.text("words").strip() or f"exit status {answers.number('rc')}"
    raise ModuleError(
        f"Unable to {verb} service {result.data['name']}: {words}", rc=answers.number("rc") or 1
    )
