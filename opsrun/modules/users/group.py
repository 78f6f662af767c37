"""group: a group of users is there, or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.users.entries import (
    ENTRY,
    TOOLS,
    checked,
    command,
    either,
    entry_of,
)
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult


@dataclass(frozen=True, slots=True)
class GroupSeen:
    """A group of the host's."""

    gid: int | None = None
    """None where there is none of that name."""
    taken_by: str = ""
    """The group that has the wanted number already."""


@module("group")
class Group(StateModule[GroupSeen]):
    """See to it that there is a group of users, or none of that name."""

    ahead = True

    called: str = option(required=True, name="name", doc="Its name.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is to be there.")
    gid: int | None = option(doc="Its number.")
    system: bool = option(False, doc="Whether a new one gets a number of the system's.")
    non_unique: bool = option(False, doc="Whether another group may have that number too.")
    force: bool = option(False, doc="Whether it goes though it is the first group of a user.")
    local: bool = option(False, doc="Whether only the host's own files count (libuser).")
    gid_min: int | None = option(doc="The least number that a new one may be given.")
    gid_max: int | None = option(doc="The greatest.")

    def inspect(self, context: Context) -> Inspection[GroupSeen]:
        """Its entry, and that of its number."""
        checked(self.called, "group")
        if self.non_unique and self.gid is None:
            raise ModuleError("non_unique needs gid: the number that may be another's too")
        if self.local and (self.gid_min, self.gid_max) != (None, None):
            raise ModuleError("gid_min and gid_max can't be had with local")
        return Inspection("".join(self._script()), self._parse)

    def _script(self) -> Iterator[str]:
        yield f"{LOOK}{ENTRY}local={'y' if self.local else ''}\n"
        yield f'say entry "$(entry group {word(self.called)})"\n'
        if self.local and self.gid is not None:
            yield 'say groups "$(entries group)"\n'

    def _parse(self, answer: CommandResult) -> GroupSeen:
        answers = Answers(answer)
        taken = ""
        for line in answers.text("groups").splitlines():
            fields = line.split(":")
            if len(fields) > 2 and fields[2] == str(self.gid) and fields[0] != self.called:
                taken = fields[0]
        return GroupSeen(_gid(answers, self.called), taken)

    def plan(self, state: GroupSeen, context: Context) -> Plan:
        """Make it, give it its number, or take it away."""
        data: dict[str, Any] = {"name": self.called, "state": self.state}
        there = state.gid is not None
        if self.state == "absent":
            if not there:
                return Plan(result=ModuleResult(data=data))
            return self._change(self._removing(), data, context)
        data |= {"system": self.system}
        if state.gid is not None and self.gid in (None, state.gid):
            return Plan(result=ModuleResult(data={**data, "gid": state.gid}))
        if state.taken_by and not self.non_unique:
            raise ModuleError(f"the group {state.taken_by} has the number {self.gid} already")
        if not there:
            return self._change(self._making(), data, context)
        return self._change(self._renumbering(), {**data, "gid": state.gid}, None)

    def _change(self, script: str, data: dict[str, Any], context: Context | None) -> Plan:
        # Of what is not there yet, or soon no more, nothing is told beforehand.
        hushed = context is not None and context.check
        name = word(self.called)
        tail = (
            f'{LOOK}{ENTRY}local={"y" if self.local else ""}\nsay entry "$(entry group {name})"\n'
        )
        request = Run(f"{TOOLS}{script}{tail}")
        return Plan((request,), ModuleResult(True, data={} if hushed else data))

    def _making(self) -> str:
        number = ["-g", str(self.gid)] if self.gid is not None else []
        shared = ["-o"] if self.non_unique else []
        system = ["-r"] if self.system else []
        if self.local:
            line = command("lgroupadd", number, system, "--", self.called)
            return either([("lgroupadd", line)], "lgroupadd")
        limits = [
            word_
            for name, value in (("GID_MIN", self.gid_min), ("GID_MAX", self.gid_max))
            if value is not None
            for word_ in ("-K", f"{name}={value}")
        ]
        small = ["-S"] if self.system else []
        tools = [
            ("groupadd", command("groupadd", number, shared, system, limits, "--", self.called)),
            ("pw", command("pw", "groupadd", self.called, number, shared)),
        ]
        if not (self.non_unique or limits):
            tools.append(("addgroup", command("addgroup", number, small, "--", self.called)))
        return either(tools, "groupadd")

    def _renumbering(self) -> str:
        number = ["-g", str(self.gid)]
        shared = ["-o"] if self.non_unique else []
        if self.local:
            line = command("lgroupmod", number, "--", self.called)
            return either([("lgroupmod", line)], "lgroupmod")
        tools = [
            ("groupmod", command("groupmod", number, shared, "--", self.called)),
            ("pw", command("pw", "groupmod", self.called, number)),
        ]
        return either(tools, "groupmod")

    def _removing(self) -> str:
        if self.local:
            line = command("lgroupdel", "--", self.called)
            return either([("lgroupdel", line)], "lgroupdel")
        forced = ["-f"] if self.force else []
        tools = [
            ("groupdel", command("groupdel", forced, "--", self.called)),
            ("pw", command("pw", "groupdel", self.called)),
            ("delgroup", command("delgroup", "--", self.called)),
        ]
        return either(tools, "groupdel")

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With the number that it has now."""
        return _numbered(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _numbered(ModuleResult.from_dict(recipe["result"]), answer)


def _gid(answers: Answers, name: str) -> int | None:
    fields = entry_of(answers.text("entry"), name)
    return int(fields[2]) if fields and len(fields) > 2 and fields[2].isdecimal() else None


def _numbered(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    name, state = result.data["name"], result.data["state"]
    gid = _gid(Answers(answer), name)
    if state == "absent":
        if gid is not None:
            raise ModuleError(f"the group {name} is still there")
        return result
    if gid is None:
        raise ModuleError(f"the group {name} was made, and is not found")
    return replace(result, data={**result.data, "gid": gid})
