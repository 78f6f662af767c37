"""package: what a host's own package manager is asked, whichever that is."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from opsrun.errors import UsageError, did_you_mean
from opsrun.modules.base import Beginning, Context, Module, ModuleError, Steps
from opsrun.modules.options import module, option, others, resolve
from opsrun.modules.packages.managers import BY_NAME, MANAGERS, asking
from opsrun.modules.registry import find, known_names, short_name
from opsrun.modules.requests import Request, Run
from opsrun.remote.command import CommandResult

Going = Generator[Request, Any, Any]


@module("package")
class Package(Module):
    """See to packages with the host's own package manager; what it takes besides is that one's."""

    names: Any = option(
        required=True, name="name", kind="raw", doc="Packages, as that manager calls them."
    )
    state: str = option(required=True, doc="``present``, ``absent``, or what else it knows.")
    use: str = option("auto", doc="The manager or its module, where the host's own is not meant.")
    rest: Mapping[str, Any] = others()

    def steps(self, context: Context) -> Steps:
        """Those of the manager's module; which one that is, is asked along with its first."""
        return self._through(context, lambda made: made.steps(context))

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: the manager's module's."""
        return self._through(context, lambda made: made.background(context))

    def _through(self, context: Context, start: Callable[[Module], Going]) -> Going:
        known = self.use if self.use not in ("", "auto") else context.facts.get("pkg_mgr")
        if known and known != "unknown":
            return (yield from start(self._module(str(known))))
        begun = {each.name: self._begun(each.name, start) for each in MANAGERS}
        scripts = {name: one.script for name, one in begun.items() if one.script}
        answer: CommandResult = yield Run(asking(scripts), effect="reads")
        name, _, rest = answer.stdout.partition(b"\n")
        chosen = begun.get(name.decode("ascii", "replace"))
        if chosen is None:
            raise ModuleError("this host has no package manager that is known here: say use")
        if chosen.failure is not None:
            raise chosen.failure
        for each in begun.values():
            if each is not chosen and each.going is not None:
                each.going.close()
        return (yield from chosen.on(replace(answer, stdout=rest)))

    def _module(self, name: str) -> Module:
        manager = BY_NAME.get(name)
        found = find(manager.module if manager else name)
        if found is None or found is Package:
            near = did_you_mean(short_name(name), known_names())
            raise ModuleError(f"there is no module here for the package manager {name!r}{near}")
        try:
            return resolve(found, {"name": self.names, "state": self.state, **self.rest})
        except UsageError as error:
            raise ModuleError(f"{name}: {error}") from error

    def _begun(self, name: str, start: Callable[[Module], Going]) -> _Begun:
        try:
            going = start(self._module(name))
            return _Begun(going, next(going))
        except (ModuleError, UsageError) as error:
            failure = error if isinstance(error, ModuleError) else ModuleError(str(error))
            return _Begun(failure=failure)
        except StopIteration as ended:
            return _Begun(result=ended.value)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A manager's module up to its first request."""

    going: Going | None = None
    first: Request | None = None
    failure: ModuleError | None = None
    result: Any = None
    """What it came to without asking anything."""

    @property
    def script(self) -> str:
        """Of the first request, if that can be sent along."""
        one = self.first
        if not isinstance(one, Run) or one.effect != "reads" or one.data is not None:
            return ""
        return "" if one.environment or one.take or one.apart else one.script

    def on(self, answer: CommandResult) -> Going:
        """The rest of it, with the answer if its first request was sent along."""
        if self.going is None or self.first is None:
            return self.result
        given = answer if self.script else (yield self.first)
        while True:
            try:
                request = self.going.send(given)
            except StopIteration as ended:
                return ended.value
            given = yield request
