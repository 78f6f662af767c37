"""The filters, tests and lookups that templates know, by name.

Every Python module in ``templating/filters``, ``templating/tests`` and ``templating/lookups`` has
one table: ``FILTERS``, ``TESTS`` or ``LOOKUPS``, from a name to a function. Its names stand in
``index.py`` as well, so that the module is imported when one of them is asked for. A name without a
dot is one of ``ansible.builtin`` (found as ``combine``, ``ansible.builtin.combine`` and
``ansible.legacy.combine``); one with dots is that of its collection (``community.general.dict``)
and is found by its last part, too, unless ``ansible.builtin`` or Jinja has that name.

::

    def ternary(value: Any, if_true: Any, if_false: Any, if_none: Any = None) -> Any: ...

    FILTERS: dict[str, Callable[..., Any]] = {"ternary": ternary}

What functions can count on:

- Arguments are plain data, rendered to the last entry: dict, list, str, numbers, None. Where that
  would cost more than the function itself (it only looks at the value's length, or gives it back),
  `lazy` leaves containers that render when they are read; those never go to C code as they are.
- A generator that is returned becomes a list.
- ``jinja2.pass_environment``, ``pass_context`` and ``pass_eval_context`` hold as in Jinja.
  ``templar_of(context)`` is the `Templar` that renders.
- Undefined values don't come in, except into functions marked ``accepts_undefined``.
- `PluginError` is shown to the user as it is; any other exception with its type's name.
- Imports that cost time, and optional packages, belong into the function.

A lookup is ``def name(terms: list[Any], run: LookupRun, **options: Any) -> list[Any]``; it gives a
list always. ``wantlist`` and ``errors`` never reach it.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from opsrun.dialect.origin import Origin
from opsrun.errors import did_you_mean
from opsrun.playbook.templating.ahead import not_ahead
from opsrun.playbook.templating.elsewhere import elsewhere
from opsrun.playbook.templating.tables import Late
from opsrun.vault.vault import NO_VAULT, Vault

if TYPE_CHECKING:
    from jinja2.runtime import Context

    from opsrun.playbook.interfaces import Templar

Function = Callable[..., Any]
Marked = TypeVar("Marked", bound=Function)


class PluginError(Exception):
    """A filter, test or lookup can't do what it was asked to. The text is for the user."""


class UnknownPlugin(PluginError):
    """There is no filter, test or lookup of that name."""


def lazy(function: Marked) -> Marked:
    """Mark a function that takes containers as they are: they render entries when read."""
    function.lazy = True  # type: ignore[attr-defined]
    return function


def accepts_undefined(function: Marked) -> Marked:
    """Mark a function that takes undefined values (``jinja2.Undefined``) as they are."""
    function.accepts_undefined = True  # type: ignore[attr-defined]
    return function


def chancy(function: Marked) -> Marked:
    """Mark a function that gives another value each time, or takes long: it is called at a task's
    own turn alone."""
    function.chancy = True  # type: ignore[attr-defined]
    return function


def _find_beside(name: str, folder: str) -> str | None:
    return None


def _searched_nowhere(name: str, folder: str) -> Sequence[str]:
    return ()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _nobody(message: str) -> None:
    return None


def _nothing() -> None:
    return None


def _no_hosts(pattern: str) -> Sequence[str]:
    raise PluginError("there is no inventory here")


OddConditions = Literal["take", "warn", "refuse"]


@dataclass(frozen=True, slots=True)
class LookupContext:
    """What lookups and template files may ask of the run; the same for all hosts of a task."""

    basedir: str = "."
    """The playbook's folder: where relative paths begin, and ``pipe`` runs."""
    find: Callable[[str, str], str | None] = _find_beside
    """The path of a local file ``name``, searched for in ``folder`` (``files``, ``templates``,
    ``vars``) of the role, beside the task's file and the playbook. None where there is none."""
    searched: Callable[[str, str], Sequence[str]] = _searched_nowhere
    """The paths that `find` looks at, for messages."""
    folders: Sequence[str] = ()
    """Where template files look for what they include, after their own folder."""
    read: Callable[[str], bytes] = _read
    """The bytes of a local file, decrypted where it is a vault. Raises OSError."""
    warn: Callable[[str], None] = _nobody
    """Takes a warning for the user."""
    looked: Callable[[], None] = _nothing
    """Called before a lookup runs that may do more than to look at its terms."""
    hosts: Callable[[str], Sequence[str]] = _no_hosts
    """The names of the inventory's hosts that a pattern selects."""
    vault: Vault = NO_VAULT
    """Opens values that are encrypted."""
    odd_conditions: OddConditions = "take"
    """Of conditions that come to neither true nor false: ``warn`` of them, or ``refuse``."""
    managed: str = "Ansible managed"
    """The text of ``ansible_managed`` in template files."""


class LookupRun(Protocol):
    """One call of a lookup."""

    @property
    def variables(self) -> Mapping[str, Any]:
        """All variables of the host, each rendered when it is read. Don't iterate needlessly."""

    @property
    def templar(self) -> Templar:
        """Renders; ``templar.with_variables(...)`` for more variables."""

    @property
    def context(self) -> LookupContext:
        """What the run offers."""

    @property
    def origin(self) -> Origin:
        """Where the lookup is written."""


def templar_of(context: Context) -> Templar:
    """Who renders the template that ``context`` belongs to, for functions with pass_context."""
    return context.templar  # type: ignore[attr-defined,no-any-return]


_OWN = ("ansible.builtin.", "ansible.legacy.")


class Source(Protocol):
    """Further functions of one kind: plugins of playbooks, roles and collections."""

    def beside(self, name: str) -> Function | None:
        """One that wins over the table's. Asked each time: there may be more of them later on."""

    def of_collection(self, name: str) -> Function | None:
        """One that counts where the table has none. PluginError: it was removed."""

    def redirected(self, name: str) -> str | None:
        """What else a name that nobody has stands for. PluginError: it was removed."""

    def names(self) -> Iterable[str]:
        """Their names, for messages."""

    def unknown(self, name: str) -> str:
        """What to say besides of a name that nobody knows."""


@dataclass(frozen=True)
class Plugins:
    """Functions of one kind by name."""

    kind: str
    """``filter``, ``test`` or ``lookup``, for messages."""
    table: Mapping[str, Function]
    source: Source | None = None
    _short: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in self.table:
            self._short.setdefault(name.rpartition(".")[2], name)

    def get(self, name: str) -> Function | None:
        """The function of that name; short, or with its collection."""
        if self.source is None:
            return self._of_table(name)
        own = self._of_table(name)
        if own is None:
            # To look for it may be to load, and so to run, somebody's file.
            not_ahead(f"the {self.kind} {name!r}")
        found = self.source.beside(name) or own
        return found or self.source.of_collection(name) or self._elsewhere(name, self.source)

    def _elsewhere(self, name: str, source: Source) -> Function | None:
        seen = {name}
        target = source.redirected(name)
        while target is not None and target not in seen:
            found = self._of_table(target) or source.of_collection(target)
            if found is not None:
                return found
            seen.add(target)
            target = source.redirected(target)
        return None

    def _of_table(self, name: str) -> Function | None:
        found = self.table.get(name)
        if found is not None:
            return found
        if "." not in name:
            return self.table[self._short[name]] if name in self._short else None
        for own in _OWN:
            if name.startswith(own):
                return self.table.get(name[len(own) :])
        return None

    def has_own(self, function: Function) -> bool:
        """Whether it is one that opsrun brings along."""
        return str(getattr(function, "__module__", "")).startswith(__package__)

    def unknown(self, name: str) -> UnknownPlugin:
        """The error that says so."""
        more = self.source.names() if self.source is not None else ()
        hint = did_you_mean(name, {*self.table, *self._short, *more})
        told = self.source.unknown(name) if self.source is not None else ""
        other = elsewhere(self.kind, name)
        first = hint if other is None else other.told()
        return UnknownPlugin(f"there is no {self.kind} {name!r}{first}{told}")

    def with_more(self, more: Mapping[str, Function]) -> Plugins:
        """These, and ``more``, which win."""
        return Plugins(self.kind, ChainMap({**more}, self.table), self.source)  # type: ignore[arg-type]

    def over(self, source: Source) -> Plugins:
        """These, and those of ``source``."""
        return Plugins(self.kind, self.table, source)


@dataclass(frozen=True, eq=False)
class Library:
    """All that templates can call by name. Two libraries never share compiled templates."""

    filters: Plugins
    tests: Plugins
    lookups: Plugins

    @staticmethod
    def standard() -> Library:
        """What opsrun brings along; always the same object."""
        return _standard()

    def over(self, sources: Mapping[str, Source]) -> Library:
        """This one, and what ``sources`` have, by kind: ``filter``, ``test``, ``lookup``."""
        return Library(
            self.filters.over(sources["filter"]),
            self.tests.over(sources["test"]),
            self.lookups.over(sources["lookup"]),
        )

    def extended(
        self,
        filters: Mapping[str, Function] | None = None,
        tests: Mapping[str, Function] | None = None,
        lookups: Mapping[str, Function] | None = None,
    ) -> Library:
        """This one, and more: plugins beside a playbook, of a role or a collection."""
        return Library(
            self.filters.with_more(filters or {}),
            self.tests.with_more(tests or {}),
            self.lookups.with_more(lookups or {}),
        )


@cache
def _standard() -> Library:
    from opsrun.playbook.templating import index, jinja_names

    own = {**jinja_names.FILTERS}, {**jinja_names.TESTS}
    filters = Late(own[0], f"{__package__}.filters", "FILTERS", index.FILTERS)
    tests = Late(own[1], f"{__package__}.tests", "TESTS", index.TESTS)
    lookups = Late({}, f"{__package__}.lookups", "LOOKUPS", index.LOOKUPS)
    return Library(Plugins("filter", filters), Plugins("test", tests), Plugins("lookup", lookups))
