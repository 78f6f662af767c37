"""Renders values with the variables of one host at one task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from jinja2 import Template as Compiled
from jinja2.utils import missing

from opsrun.dialect.opening import opened_text
from opsrun.dialect.origin import NOWHERE, Origin
from opsrun.dialect.tags import Opened, Template, Unsafe, Vaulted
from opsrun.errors import OpsrunError, TemplateError, UndefinedVariable
from opsrun.playbook.templating import conditions, files, functions
from opsrun.playbook.templating.compiling import outcome
from opsrun.playbook.templating.engine import LazyContext, Names, Pending, engine_of
from opsrun.playbook.templating.faults import Fault, Written, deepest, line_of
from opsrun.playbook.templating.lazy import (
    SCALARS,
    DataMapping,
    LazyDict,
    LazyList,
    LazyMapping,
    plain,
)
from opsrun.playbook.templating.library import Library, LookupContext
from opsrun.playbook.templating.undefined import Missing, NotThere

Made = TypeVar("Made")
_LAZY = (LazyDict, LazyList, LazyMapping, DataMapping)


class Templar:
    """`opsrun.playbook.interfaces.Templar`. Cheap to make; not to be shared between threads.

    Args:
        variables: raw values by name; never copied, and only asked for what templates use.
        library: the filters, tests and lookups.
        lookups: what lookups and template files may ask of the run.
    """

    __slots__ = (
        "_active",
        "_engine",
        "_memo",
        "_origin",
        "_view",
        "globals",
        "lookups",
        "variables",
    )

    def __init__(
        self,
        variables: Mapping[str, Any],
        library: Library,
        lookups: LookupContext | None = None,
    ) -> None:
        self.variables = variables
        self.lookups = lookups or _NO_RUN
        self.globals = functions.GLOBALS
        self._engine = engine_of(library)
        self._memo: dict[str, Any] = {}
        self._active: list[tuple[Template, str]] = []
        self._origin = NOWHERE
        self._view: LazyMapping | None = None

    @property
    def library(self) -> Library:
        """The filters, tests and lookups."""
        return self._engine.library

    @property
    def origin(self) -> Origin:
        """Where what is being rendered is written."""
        return self._active[-1][0].origin if self._active else self._origin

    @property
    def view(self) -> LazyMapping:
        """All variables, each rendered when it is read."""
        if self._view is None:
            self._view = LazyMapping(self.variables, self, "vars")
        return self._view

    def render(self, value: Any, origin: Origin | None = None) -> Any:
        """See `opsrun.playbook.interfaces.Templar.render`."""
        if type(value) in SCALARS:
            return value
        return self._told(lambda: plain(self._rendered(value, "")), value, origin)

    def condition(self, value: Any, origin: Origin | None = None) -> bool:
        """See `opsrun.playbook.interfaces.Templar.condition`.

        ``value`` must be as the operator wrote it: a text is an expression, and what rendering
        gave must never come here.
        """
        if isinstance(value, bool):
            return value
        return self._told(lambda: conditions.holds(self, value, origin), value, origin)

    def as_written(self, value: Template) -> Any:
        """See `opsrun.playbook.interfaces.Templar.as_written`."""
        return conditions.as_written(self, value)

    def file(self, path: str, options: Mapping[str, Any]) -> bytes:
        """See `opsrun.playbook.interfaces.Templar.file`. OSError where it can't be read."""
        return files.rendered(self, path, options)

    def lookup(self, name: str, terms: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
        """See `opsrun.playbook.interfaces.Templar.lookup`. Terms may be raw, too."""

        def found() -> list[Any]:
            raw = [self._rendered(each, "") for each in terms]
            wanted = {key: self._rendered(each, "") for key, each in options.items()}
            return functions.run_lookup(self, name, raw, wanted) or []

        return self._told(found, terms, None)

    def with_variables(self, more: Mapping[str, Any]) -> Templar:
        """See `opsrun.playbook.interfaces.Templar.with_variables`."""
        both = _Over(more, self.variables)
        return Templar(both, self._engine.library, self.lookups)

    def pending(self, name: str) -> Any:
        """A variable or a global for a template: its value, a `Pending` or jinja's `missing`."""
        memo = self._memo
        if name in memo:
            return memo[name]
        try:
            raw = self.variables[name]
        except KeyError:
            return self.view if name == "vars" else self.globals.get(name, missing)
        if type(raw) in SCALARS:
            return raw
        return Pending(self, name, raw)

    def variable(self, name: str, raw: Any) -> Any:
        """What the variable ``name`` comes to."""
        memo = self._memo
        if name not in memo:
            memo[name] = self.entry(raw, name)
        return memo[name]

    def entry(self, value: Any, label: str) -> Any:
        """What a raw value comes to, or `Missing` where it needs what is not there."""
        return self._rendered(value, label)

    def _rendered(self, value: Any, label: str) -> Any:
        kind = type(value)
        if kind in SCALARS or isinstance(value, _LAZY):
            return value
        if kind is Template:
            found = self.evaluate(value, label)
            # What a template came to is text like any other.
            return str.__str__(found) if type(found) is Opened else self._lazily(found, label)
        if isinstance(value, Unsafe):
            return value if kind is Opened else str.__str__(value)
        if isinstance(value, Vaulted):
            return opened_text(value, self.lookups.vault, label, TemplateError)
        return self._lazily(value, label)

    def _lazily(self, value: Any, label: str) -> Any:
        kind = type(value)
        if kind in SCALARS or isinstance(value, _LAZY):
            return value
        if isinstance(value, dict):
            return LazyDict(value, self, label)
        if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
            return LazyList(value, self, label)
        if isinstance(value, Mapping):
            return LazyMapping(value, self, label)
        return value

    def evaluate(self, template: Template, label: str = "") -> Any:
        """What a template comes to, containers as lazy as they are, or `Missing` where it needs
        something that isn't there. TemplateError."""
        if any(each is template for each, _ in self._active):
            raise self._cycle(template, label)
        self._active.append((template, label))
        try:
            compiled = None
            try:
                compiled = self._engine.template(template)
                found = outcome(self.pieces(compiled), template)
                if type(found) is not Missing or found._undefined_cause is not None:
                    return found
                return self._missing(NotThere(found), compiled, template, label)
            except (NotThere, UndefinedVariable) as error:
                return self._missing(error, compiled, template, label)
            except Exception as error:
                written = Written(str.__str__(template), template.origin)
                raise self.fault(error, compiled, written).told() from error
        finally:
            self._active.pop()

    def _missing(
        self,
        error: NotThere | UndefinedVariable,
        compiled: Compiled | None,
        template: Template,
        label: str,
    ) -> Missing:
        """Put into words only where somebody needs the value: it may have a default."""
        written = Written(str.__str__(template), template.origin)
        fault = self.fault(error, compiled, written)
        error.__traceback__ = None
        return Missing(cause=replace(fault, label=label), hint=str(error))

    def expression(self, source: str, written: Written, own: dict[str, Any] | None = None) -> Any:
        """What a condition's expression comes to. TemplateError."""
        if written.source.strip() == source:
            written = replace(written, is_expression=True)
        return self._piece(lambda: self._engine.expression(source), written, own)

    def embedded(self, source: str, written: Written) -> Any:
        """What ``{{ source }}`` within a condition comes to. TemplateError."""
        return self._piece(lambda: self._engine.template(f"{{{{ {source} }}}}"), written, None)

    def _piece(
        self, compiling: Callable[[], Compiled], written: Written, own: dict[str, Any] | None
    ) -> Any:
        compiled = None
        try:
            compiled = compiling()
            return outcome(self.pieces(compiled, own), "")
        except Exception as error:
            raise self.fault(error, compiled, written).told() from error

    def pieces(self, compiled: Compiled, own: dict[str, Any] | None = None) -> list[Any]:
        """What a compiled template gives, one after the other."""
        names: Any = Names(self, own)
        context = LazyContext(compiled.environment, names, compiled.name, compiled.blocks)
        return list(compiled.root_render_func(context))

    def fault(self, error: BaseException, compiled: Compiled | None, written: Written) -> Fault:
        """What went wrong in ``compiled``, ready to be told."""
        line = line_of(error, compiled)
        environment = compiled.environment if compiled is not None else self._engine.environment
        return Fault(error, written, line, environment, lambda: list(self.variables))

    def _cycle(self, template: Template, label: str) -> TemplateError:
        names = [(each, name or str(each)) for each, name in self._active]
        start = next(i for i, (each, _) in enumerate(names) if each is template)
        chain = " → ".join([*(name for _, name in names[start:]), label or names[start][1]])
        written = Written(str.__str__(template), template.origin)
        error = TemplateError(f"a variable can't need itself: {chain}")
        return self.fault(error, None, written).told()

    def _told(self, work: Callable[[], Made], value: Any, origin: Origin | None) -> Made:
        self._origin = origin or getattr(value, "origin", None) or NOWHERE
        try:
            return work()
        except OpsrunError as error:
            if isinstance(error, TemplateError) and error.path is None:
                raise self._elsewhere(error, value) from error
            raise
        except Exception as error:
            raise self._elsewhere(error, value) from error

    def _elsewhere(self, error: BaseException, value: Any) -> TemplateError:
        source = str.__str__(value) if isinstance(value, str) else ""
        return self.fault(error, deepest(error), Written(source, self._origin)).told()


class _Over(Mapping[str, Any]):
    """Some variables before all others; nothing is copied."""

    __slots__ = ("_below", "_first")

    def __init__(self, first: Mapping[str, Any], below: Mapping[str, Any]) -> None:
        self._first = first
        self._below = below

    def __getitem__(self, key: str) -> Any:
        if key in self._first:
            return self._first[key]
        return self._below[key]

    def written(self, name: str) -> Any:
        """See `opsrun.playbook.variables.layers.Layers.written`."""
        return None if name in self._first else conditions.written(self._below, name)

    def __contains__(self, key: object) -> bool:
        return key in self._first or key in self._below

    def __iter__(self) -> Any:
        return iter({**dict.fromkeys(self._below), **dict.fromkeys(self._first)})

    def __len__(self) -> int:
        return sum(1 for _ in self)


_NO_RUN = LookupContext()
