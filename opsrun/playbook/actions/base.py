"""The contract of actions: like modules in what they take, and done here."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from opsrun.dialect.origin import Origin
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.options import resolve
from opsrun.playbook.interfaces import Templar
from opsrun.playbook.messages import NOTHING, Exports, GroupBy, NewHost
from opsrun.playbook.model.nodes import RawAction, Task
from opsrun.playbook.runner.search import Search
from opsrun.playbook.templating.omit import without_omitted


class Pausing(Protocol):
    """What waits: for time, or for the operator."""

    def wait(self, seconds: float) -> bool:
        """Do nothing for so long; True if the run is over meanwhile."""

    def ask(self, prompt: str, echo: bool) -> str | None:
        """What the operator typed; None where there is nobody to ask."""


class ReadVars(Protocol):
    """Reads a file of variables."""

    def __call__(self, path: str) -> Mapping[str, Any]:
        """What it says, with templates in it. Raises PlaybookError."""


@dataclass(frozen=True, slots=True)
class Call:
    """One action on one host."""

    task: Task
    host: str
    templar: Templar
    search: Search
    pausing: Pausing
    read_vars: ReadVars
    check: bool = False
    verbosity: int = 0
    is_member: Callable[[str, str], bool] = lambda host, group: False
    """Whether a host (by name) is known, and in a group."""
    is_variable: Callable[[str], bool] = lambda name: False
    """Whether the host has a variable of that name here, whatever is in it."""

    def fail(self, msg: str, **data: Any) -> ModuleError:
        """A failed result."""
        return ModuleError(msg, **data)


@dataclass(frozen=True, slots=True)
class Acted:
    """What an action came to."""

    result: ModuleResult = field(default_factory=ModuleResult)
    exports: Exports = NOTHING
    new_hosts: tuple[NewHost, ...] = ()
    groups: tuple[GroupBy, ...] = ()
    meta: str = ""
    hidden: bool = False
    """Nothing of the result is to be shown: it comes from what is encrypted."""


class Action(Module):
    """A module that is done here."""

    passes: ClassVar[bool] = False
    """Whether nothing but the run's own variables, and time, is other than before."""

    @classmethod
    def prepare(cls, action: RawAction, call: Call) -> Action:
        """The action with its arguments rendered. TemplateError, OptionError."""
        args, free_form = rendered(action, call.templar)
        return resolve(cls, args, free_form, action.origin, action.places)

    @abstractmethod
    def act(self, call: Call) -> Acted:
        """Do it. Raises `ModuleError`, TemplateError, PlaybookError."""

    def steps(self, context: Context) -> Steps:
        """Never asked for: an action has no host."""
        raise TypeError(f"{self.name} is done on the controller")


def rendered(action: RawAction, templar: Templar) -> tuple[dict[str, Any], str | None]:
    """Arguments and free-form text, rendered; what came to ``omit`` is left out.

    Text that comes to a mapping (``add_host: "{{ data }}"``) is arguments.

    Raises:
        TemplateError: naming the place of the argument.
    """
    found: dict[str, Any] = {}
    if action.args_template is not None:
        more = templar.render(action.args_template, action.origin)
        if isinstance(more, Mapping):
            found.update(more)
        elif more not in (None, ""):
            raise ModuleError(f"args: expected a mapping, found {type(more).__name__}")
    for name, value in action.args.items():
        found[name] = templar.render(value, action.places.get(name, action.origin))
    free_form = action.free_form
    if free_form is not None:
        text = templar.render(free_form, action.origin)
        if isinstance(text, Mapping):
            return without_omitted({**text, **found}), None
        free_form = text if isinstance(text, str) else _as_text(text)
    return without_omitted(found), free_form


def _as_text(value: Any) -> Any:
    return "" if value is None else value if isinstance(value, (list, dict)) else str(value)


def place(action: RawAction, name: str) -> Origin:
    """Where an argument is written."""
    return action.places.get(name, action.origin)
