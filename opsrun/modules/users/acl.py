"""acl: an entry of an access list is there, as it shall be, or not.

Both getfacl(1) and setfacl(1) do the work; the latter says with ``--test`` what it would change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.users.entries import TOOLS, command
from opsrun.modules.wording import path_word
from opsrun.remote.command import CommandResult

_LACK = """\
has setfacl || lack setfacl
has getfacl || lack getfacl
"""


@dataclass(frozen=True, slots=True)
class AclSeen:
    """An access list, and what setfacl(1) would change in it."""

    entries: tuple[str, ...]
    changes: bool


@module("acl", exclusive=[("entry", "entity"), ("entry", "etype"), ("entry", "permissions")])
class Acl(StateModule[AclSeen]):
    """See to it that an access list has an entry, or not; or tell what it has."""

    ahead = True

    path: str = option(required=True, kind="path", aliases=("name",), doc="Of what.")
    state: str = option(
        "query", choices=("absent", "present", "query"), doc="Whether it is to be there."
    )
    etype: str | None = option(
        choices=("group", "mask", "other", "user"), doc="What the entry is for."
    )
    entity: str = option("", doc="Which user or group; the owner's, where nothing is said.")
    permissions: str | None = option(doc="Of r, w, x and X, or ``-`` for none.")
    entry: str | None = option(doc="All that in one: ``user:joe:rw``.")
    default: bool = option(False, doc="Whether it is for what will be made in a directory.")
    recursive: bool = option(False, aliases=("recurse",), doc="Whether all below gets it, too.")
    follow: bool = option(True, doc="Whether links are followed.")
    recalculate_mask: str = option(
        "default", choices=("default", "mask", "no_mask"), doc="Whether the mask is found anew."
    )
    use_nfsv4_acls: bool = option(False, doc="Not to be had: only POSIX access lists are known.")

    # -- what there is

    def inspect(self, context: Context) -> Inspection[AclSeen]:
        """The list, and a trial."""
        self._check()
        return Inspection("".join(self._script()), self._parse)

    def _check(self) -> None:
        if self.use_nfsv4_acls:
            raise ModuleError("access lists of NFSv4 can't be changed from here")
        if self.state == "query":
            if self.recursive or self.recalculate_mask != "default":
                raise ModuleError("state: query takes neither recursive nor recalculate_mask")
            if self.entry is not None:
                raise ModuleError("state: query takes no entry")
            return
        if self.entry is None and self.etype is None:
            raise ModuleError("etype is needed, or entry in its place")
        if self.entry is not None and self._parts()[0] not in ("user", "group", "mask", "other"):
            raise ModuleError(f"entry: {self.entry!r} is not like user:NAME:PERMISSIONS")

    def _parts(self) -> list[str]:
        """The entry without ``default``, its kind in full."""
        assert self.entry is not None
        first, *rest = self.entry.removeprefix("default:").removeprefix("d:").split(":")
        whole = {"u": "user", "g": "group", "m": "mask", "o": "other"}
        return [whole.get(first, first), *rest]

    @property
    def _default(self) -> bool:
        return self.default or (self.entry or "").startswith(("default:", "d:"))

    def _words(self) -> list[str]:
        words = ["-P"] if not self.follow else []
        words += ["-R"] if self.recursive else []
        words += {"mask": ["--mask"], "no_mask": ["--no-mask"]}.get(self.recalculate_mask, [])
        words += ["-d"] if self._default else []
        parts = self._parts() if self.entry is not None else [self.etype or "", self.entity]
        if self.state == "absent":
            return [*words, "-x", ":".join(parts[:2])]
        if self.entry is None and self.permissions:
            parts.append(self.permissions)
        return [*words, "-m", ":".join(parts)]

    def _list(self) -> str:
        words = ["--omit-header", "--absolute-names"]
        words += ["-P"] if not self.follow else []
        words += ["-R"] if self.recursive else []
        words += ["-d"] if self._default else []
        return f'say acl "$({command("getfacl", words)} -- "$p" 2>/dev/null)"\n'

    def _script(self) -> Iterator[str]:
        yield f"{LOOK}{TOOLS}{_LACK}p={path_word(self.path)}\n"
        yield '[ -e "$p" ] || [ -h "$p" ] || { echo "there is no $p" >&2; exit 1; }\n'
        yield self._list()
        if self.state != "query":
            words = command("setfacl", "--test", self._words())
            # A refusal is told from a change by the status alone.
            yield f't=$({words} -- "$p" </dev/null) || exit\nsay test "$t"\n'

    def _parse(self, answer: CommandResult) -> AclSeen:
        answers = Answers(answer)
        lines = [each for each in answers.text("test").splitlines() if each.strip()]
        return AclSeen(_entries(answers), any(not each.endswith("*,*") for each in lines))

    # -- what has to change

    def plan(self, state: AclSeen, context: Context) -> Plan:
        """What the trial said."""
        data: dict[str, Any] = {"acl": list(state.entries)}
        if not state.changes:
            return Plan(result=ModuleResult(msg="the access list is as it shall be", data=data))
        words = command("setfacl", self._words())
        script = f'{LOOK}p={path_word(self.path)}\n{words} -- "$p" || exit\n{self._list()}'
        verb = "has the entry" if self.state == "present" else "has lost the entry"
        return Plan((Run(script),), ModuleResult(True, msg=f"the access list {verb}", data=data))

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With the list as it is now."""
        return _told(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _told(ModuleResult.from_dict(recipe["result"]), answer)


def _entries(answers: Answers) -> tuple[str, ...]:
    return tuple(answers.text("acl").rstrip("\n").splitlines())


def _told(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    return replace(result, data={**result.data, "acl": list(_entries(Answers(answer)))})
