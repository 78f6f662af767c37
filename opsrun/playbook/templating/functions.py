"""The functions that every template can call by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.runtime import Context

from opsrun.dialect.origin import Origin
from opsrun.errors import OpsrunError, TemplateError, UndefinedVariable
from opsrun.playbook.templating.ahead import not_ahead
from opsrun.playbook.templating.lazy import plain
from opsrun.playbook.templating.library import (
    Function,
    LookupContext,
    PluginError,
    UnknownPlugin,
    templar_of,
)
from opsrun.playbook.templating.omit import OMIT
from opsrun.playbook.templating.undefined import Missing, NotThere

if TYPE_CHECKING:
    from opsrun.playbook.templating.templar import Templar

_REACTIONS = ("strict", "warn", "ignore")
_OF_DATA = frozenset(
    {"dict", "flattened", "indexed_items", "items", "list", "nested", "sequence", "subelements"}
    | {"together", "vars", "varnames"}
)
"""Lookups that look at nothing but what they are given."""


@dataclass(frozen=True, slots=True)
class Run:
    """One call of a lookup: `opsrun.playbook.templating.library.LookupRun`."""

    templar: Templar
    origin: Origin

    @property
    def variables(self) -> Mapping[str, Any]:
        """The host's variables, rendered when they are read."""
        return self.templar.view

    @property
    def context(self) -> LookupContext:
        """What the run offers."""
        return self.templar.lookups


def run_lookup(
    templar: Templar, name: str, terms: Sequence[Any], options: Mapping[str, Any]
) -> list[Any] | None:
    """What the lookup gives; None where it failed and its caller had said not to mind.

    Raises:
        UnknownPlugin, PluginError: and whatever terms raise that are not there.
    """
    if name.rpartition(".")[2] not in _OF_DATA:
        not_ahead(f"the lookup {name!r}")
    reaction = options.get("errors", "strict")
    if reaction not in _REACTIONS:
        raise PluginError(f"errors: expected strict, warn or ignore, found {reaction!r}")
    function = templar.library.lookups.get(name)
    if function is None:
        raise templar.library.lookups.unknown(name)
    if not _is_of_data(templar, name, function):
        not_ahead(f"the lookup {name!r}")
        templar.lookups.looked()
    run = Run(templar, templar.origin)
    data = [plain(each) for each in terms]
    wanted = {k: plain(v) for k, v in options.items() if k not in ("errors", "wantlist")}
    try:
        return [plain(each) for each in function(data, run, **wanted)]
    except (NotThere, UndefinedVariable, UnknownPlugin):
        raise
    except Exception as error:
        told = isinstance(error, (PluginError, OpsrunError))
        words = str(error) if told else f"{type(error).__name__}: {error}"
        if reaction == "strict":
            if isinstance(error, TemplateError):
                raise
            raise PluginError(f"the lookup {name!r}: {words}") from error
        if reaction == "warn":
            templar.lookups.warn(f"the lookup {name!r}: {words}")
        return None


def _is_of_data(templar: Templar, name: str, function: Function) -> bool:
    """Whether it looks at its terms alone; a playbook's own one of that name may do anything."""
    return name.rpartition(".")[2] in _OF_DATA and templar.library.lookups.has_own(function)


@pass_context
def lookup(context: Context, name: str, /, *terms: Any, **options: Any) -> Any:
    """One value: texts joined by commas, the one entry that there is, or a list."""
    found = run_lookup(_templar(context), str(name), terms, options)
    if options.get("wantlist"):
        return found or []
    if not found:
        # None is what errors='ignore' leaves; a lookup that found nothing gives a list.
        return found
    if all(isinstance(each, str) for each in found):
        return ",".join(found)
    return found[0] if len(found) == 1 else found


@pass_context
def query(context: Context, name: str, /, *terms: Any, **options: Any) -> Any:
    """A list."""
    return run_lookup(_templar(context), str(name), terms, options) or []


def now(utc: bool = False, fmt: str | None = None) -> Any:
    """The controller's time as a datetime without zone, or as text in the format ``fmt``."""
    not_ahead("now")
    time = datetime.now(UTC).replace(tzinfo=None) if utc else datetime.now()
    return time.strftime(fmt) if fmt else time


def undef(hint: str | None = None) -> Missing:
    """A value that isn't there: to be overridden, or to fail with ``hint`` where it is used."""
    return Missing(hint=hint or "a value is required here, and none was given")


def _templar(context: Context) -> Templar:
    return templar_of(context)  # type: ignore[return-value]


GLOBALS: dict[str, Any] = {
    **DEFAULT_NAMESPACE,
    "lookup": lookup,
    "query": query,
    "q": query,
    "now": now,
    "undef": undef,
    "omit": OMIT,
}
"""By name; variables of the same name hide them."""
