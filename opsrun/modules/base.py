"""The contract of modules.

A module is a frozen dataclass of its own parameters: names, types, choices, defaults and words in
one place, from which validation, `opsrun doc`, JSON Schema and completion derive. What it does is
a generator without I/O: it yields requests, is sent their answers, and returns a `ModuleResult`.

::

    @module("stat")
    class Stat(Module):
        \"\"\"What is known of a path.\"\"\"

        path: str = option(required=True, aliases=("dest", "name"), kind="path")
        follow: bool = option(False)

        def steps(self, context: Context) -> Steps:
            answer = yield Run(stat_script(self.path, self.follow), effect="reads")
            return ModuleResult(data={"stat": parse_stat(answer.stdout)})

Modules that bring a host into a state subclass `StateModule`, which has the three-part form:
`inspect` (a script that only reads, and a pure parser), `plan` (pure: what has to change, with its
diff) and `Plan.apply` (data). Check mode and diff come with it, and so does the law that is tested
for each of them: apply, inspect again, and the plan is empty.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from opsrun.modules.background.job import Job
from opsrun.modules.packages import where_from
from opsrun.modules.refusing import hint_of, said
from opsrun.modules.requests import Converse, Request, Run, Upload
from opsrun.remote.command import CommandResult

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Diff:
    """What changes, as text or as values; shown by ``--diff``.

    None for what nothing is told of, headers apart.
    """

    before: Any = ""
    after: Any = ""
    before_header: str = ""
    after_header: str = ""
    prepared: str = ""
    """Ready to be shown, in place of before and after."""
    flags: Mapping[str, int] = field(default_factory=dict)
    """Why a text is not there: ``src_binary``, ``dst_binary``, ``src_larger``, ``dst_larger``."""
    alone: bool = False
    """Whether results have it as a mapping and not in a list, as some modules do."""

    def to_dict(self) -> dict[str, Any]:
        """The keys that playbooks read: ``before``, ``after``, and headers where there are any."""
        if self.prepared:
            return {"prepared": self.prepared}
        headers = {"before_header": self.before_header, "after_header": self.after_header}
        shown = {name: text for name, text in headers.items() if text}
        sides = {"before": self.before, "after": self.after}
        told = {name: side for name, side in sides.items() if side is not None}
        return {**told, **shown, **self.flags}


@dataclass(frozen=True, slots=True)
class ModuleResult:
    """What a module came to, as ``register`` shall have it."""

    changed: bool = False
    failed: bool = False
    skipped: bool = False
    msg: Any = None
    """None for no ``msg`` at all."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """All other keys: ``rc``, ``stdout``, ``stat``, ``path`` … Plain data, fit for JSON."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """``ansible_facts``: names as the module's documentation has them."""
    diff: tuple[Diff, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """One mapping; ``changed`` always, the others where they say something."""
        found: dict[str, Any] = {"changed": self.changed, **self.data}
        if self.failed:
            found["failed"] = True
        if self.skipped:
            found["skipped"] = True
        if self.msg is not None:
            found["msg"] = self.msg
        if self.facts:
            found["ansible_facts"] = dict(self.facts)
        if self.diff:
            shown = [each.to_dict() for each in self.diff]
            # As the dialect has it: states of a path are one mapping, texts are a list.
            first = self.diff[0]
            alone = len(shown) == 1 and (first.alone or isinstance(first.before, Mapping))
            found["diff"] = shown[0] if alone else shown
        if self.warnings:
            found["warnings"] = list(self.warnings)
        return found

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> ModuleResult:
        """One with this `to_dict`; all but flags and ``msg`` is in ``data``."""
        data = dict(found)
        changed, failed, skipped = (
            bool(data.pop(name, False)) for name in ("changed", "failed", "skipped")
        )
        return cls(changed, failed, skipped, data.pop("msg", None), data)


class Controller(Protocol):
    """What the controller does for a module, on this machine."""

    def find(self, name: str, folder: str) -> str | None:
        """The path of a local file that a task names: absolute, or searched for in ``folder``
        (``files``, ``templates``, ``vars``, ``tasks``) of its role, beside its file, beside the
        playbook. None where there is none."""

    def searched(self, name: str, folder: str) -> Sequence[str]:
        """The paths that `find` looks at, for messages."""

    def render(self, path: str, options: Mapping[str, Any]) -> bytes:
        """A template file with the task's variables; ``options`` are those of the template module
        (``newline_sequence``, ``trim_blocks``, delimiters …). Raises `TemplateError`."""

    def opened(self, path: str) -> bytes:
        """The bytes of an encrypted local file, decrypted. OSError; InputError if no secret opens
        it."""


Origin = Literal["controller", "host", "delegate"]
"""A task without ``delegate_to`` begins on the controller, one that is delegated to its own host on
that, and one that is delegated to another host there."""


@dataclass(frozen=True, slots=True)
class Context:
    """In which circumstances a module runs."""

    controller: Controller
    check: bool = False
    """Nothing on the host may change; say what would."""
    diff: bool = False
    """Differences are wanted."""
    host: str = ""
    """Inventory name, for messages."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is known of the host already, below ``ansible_facts``."""
    interpreters: Mapping[str, str] = field(default_factory=dict)
    """By name (``python``, ``ruby``), what ``ansible_<name>_interpreter`` says of the host."""
    origin: Origin = "controller"
    """For a module between two machines, see `Module.between`: where its task begins."""
    here: bool = False
    """Whether the host is the controller itself."""


Steps = Generator[Request, Any, ModuleResult]
Beginning = Generator[Request, Any, Job]


class Module:
    """A task's action with its parameters resolved; subclasses are frozen dataclasses."""

    name: ClassVar[str] = ""
    """Short name: ``copy``; for another collection's the full one."""
    free_form: ClassVar[str | None] = None
    """The parameter that takes free-form text (``command: uptime``); None where there is none."""
    checks: ClassVar[bool] = True
    """Whether it can say in check mode what would change; where not, it is skipped then."""
    raw: ClassVar[bool] = False
    """Its words go to the host without a session (``raw``): see `opsrun.modules.raw`."""

    @abstractmethod
    def steps(self, context: Context) -> Steps:
        """What it does; see the module's docstring."""

    ahead: ClassVar[bool] = False
    """Whether its first request may go out before its task's turn: a script that only reads, is
    quick, and asks this host alone."""
    between: ClassVar[bool] = False
    """Whether it is about two machines: the task's host, and where the task is done."""
    stays: ClassVar[bool] = False
    """Whether it always takes us from its beginning to its end, and so can be no job."""

    def background(self, context: Context) -> Beginning:
        """The same, as far as it takes us; what is left is one script that the host can be left
        alone with (``async``).

        Raises:
            NotLeftAlone: there is no such script. Nothing has been changed.
        """
        if self.stays:
            raise NotLeftAlone(self.name)
        steps = self.steps(context)
        try:
            request = next(steps)
            while True:
                if isinstance(request, (Converse, Upload)) or (
                    isinstance(request, Run) and request.effect == "changes"
                ):
                    raise NotLeftAlone(self.name)
                try:
                    answer = yield request
                except Exception as error:
                    request = steps.throw(error)
                else:
                    request = steps.send(answer)
        except StopIteration as ended:
            result: ModuleResult = ended.value
            return Job.done(result.to_dict())

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """What such a script came to; of the `Job` that `background` made of this module.

        Args:
            recipe: of that job. It comes from the host, as the answer does: data.
            answer: of the script.
        """
        raise ModuleError(f"{cls.name} leaves no jobs behind")


@dataclass(frozen=True, slots=True)
class Inspection(Generic[State]):
    """How a state is found out: without changing it."""

    script: str
    parse: Callable[[CommandResult], State]
    """Pure. Raises `ModuleError` where the answer says that nothing can be done."""
    data: bytes | None = None
    cap: int | None = None
    """Bytes to keep of each stream; None for the session's own limit."""
    environment: bool = False
    """As in `Run`."""
    far: bool = False
    """As in `Run`."""

    def run(self) -> Run:
        """The request for it."""
        exported = self.environment
        return Run(
            self.script, self.data, "reads", cap=self.cap, environment=exported, far=self.far
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to change: nothing, if there is no request in ``apply``."""

    apply: tuple[Request, ...] = ()
    result: ModuleResult = field(default_factory=ModuleResult)
    """What is said in the end, ``changed`` and diff included; the same in check mode."""

    @property
    def empty(self) -> bool:
        """Whether the host is as it shall be."""
        return not self.apply


class StateModule(Module, Generic[State]):
    """A module that brings something into a state."""

    @abstractmethod
    def inspect(self, context: Context) -> Inspection[State]:
        """How to find out what there is."""

    @abstractmethod
    def plan(self, state: State, context: Context) -> Plan:
        """What has to change. Pure."""

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """The result, once everything was applied: the plan's, unless an answer adds to it."""
        return plan.result

    def steps(self, context: Context) -> Steps:
        """Inspect, plan, and unless this is check mode, apply."""
        how = self.inspect(context)
        answer = yield how.run()
        plan = self.plan(how.parse(answer), context)
        if plan.empty or context.check:
            return plan.result
        answers = []
        for request in plan.apply:
            given = yield request
            if isinstance(given, CommandResult) and not given.ok:
                raise ModuleError.of(given)
            answers.append(given)
        return self.conclude(plan, answers)

    def background(self, context: Context) -> Beginning:
        """See `Module.background`: a plan of one script.

        Where `conclude` adds to the plan's result, `concluded` has to do the same with that result
        out of the recipe.
        """
        how = self.inspect(context)
        answer = yield how.run()
        plan = self.plan(how.parse(answer), context)
        if plan.empty:
            return Job.done(plan.result.to_dict())
        kind = type(self)
        adds = kind.conclude is not StateModule.conclude
        reads = any("concluded" in vars(each) for each in kind.__mro__ if each is not Module)
        [only] = plan.apply if len(plan.apply) == 1 else [None]
        if not isinstance(only, Run) or (adds and not reads):
            raise NotLeftAlone(self.name)
        named = {"module": self.name} if adds else {}
        return Job(only, {**named, "result": plan.result.to_dict()})


class ModuleError(Exception):
    """A module can't do what it was asked to; becomes a failed result.

    Args:
        msg: what is wrong, with the host's own words where it had any.
        data: further keys of the result.
    """

    def __init__(self, msg: str, **data: Any) -> None:
        super().__init__(msg)
        self.msg = msg
        self.data = data

    @classmethod
    def of(cls, answer: CommandResult, msg: str = "") -> ModuleError:
        """From a script of ours that failed: what it wrote to standard error says why."""
        words = said(answer.stderr.decode(errors="replace"))
        how = f"exit status {answer.rc}" if answer.signal is None else f"SIG{answer.signal}"
        hint = hint_of(words) or where_from(words)
        told = ": ".join(filter(None, (msg, words or how)))
        return cls(f"{told} ({hint})" if hint else told, rc=answer.rc)

    def result(self) -> ModuleResult:
        """The failed result."""
        return ModuleResult(failed=True, msg=self.msg, data=self.data)


class NotLeftAlone(ModuleError):
    """What a module does takes us from its beginning to its end: it can be no job."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} can't be left to the host alone, as async with poll: 0 asks for: nothing was "
            "changed; give it a poll, or leave async out"
        )
