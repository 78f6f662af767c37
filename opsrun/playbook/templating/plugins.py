"""The library's functions as Jinja calls them."""

from __future__ import annotations

from typing import Any, NoReturn

from jinja2.exceptions import TemplateRuntimeError
from jinja2.runtime import Context, Undefined
from jinja2.utils import _PassArg

from opsrun.errors import OpsrunError
from opsrun.playbook.templating import jinja_names
from opsrun.playbook.templating.ahead import not_ahead
from opsrun.playbook.templating.bounds import unrolled, walked
from opsrun.playbook.templating.lazy import UNROLLED, plain
from opsrun.playbook.templating.library import Function, PluginError, Plugins
from opsrun.playbook.templating.undefined import Missing

_TOLD = (PluginError, OpsrunError, TemplateRuntimeError, RecursionError, MemoryError)
_LOOKS = frozenset({"count", "d", "default", "first", "last", "length", "random", "string"})
"""Those that don't go through a list."""


class PluginTable(dict[str, Function]):
    """``environment.filters`` or ``tests``: filled on demand; a name that nobody knows gives a
    function that fails, so that only the branch that needs it does."""

    def __init__(self, plugins: Plugins) -> None:
        super().__init__()
        self._plugins = plugins

    def __missing__(self, name: str) -> Function:
        try:
            function = self._plugins.get(name)
        except PluginError as error:
            return _failing(error)
        if function is None:
            # Not kept: a role that is included may bring it.
            return self._unknown(name)
        made = self[name] = adapted(self._plugins, name, function)
        return made

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._plugins.get(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        return self[name]

    def _unknown(self, name: str) -> Function:
        def fail(*args: Any, **kwargs: Any) -> NoReturn:
            raise self._plugins.unknown(name)

        return fail


def _failing(error: PluginError) -> Function:
    def fail(*args: Any, **kwargs: Any) -> NoReturn:
        raise error

    return fail


def adapted(plugins: Plugins, name: str, function: Function) -> Function:
    """``function`` with what `opsrun.playbook.templating.library` promises it."""
    is_filter = plugins.kind == "filter"
    lazies = jinja_names.LAZY_FILTERS if is_filter else jinja_names.TESTS
    undefined = jinja_names.UNDEFINED_FILTERS if is_filter else jinja_names.UNDEFINED_TESTS
    own = _is_jinjas(name, function)
    as_is = getattr(function, "lazy", False) or (own and name in lazies)
    takes_missing = getattr(function, "accepts_undefined", False) or (own and name in undefined)
    passed = _PassArg.from_obj(function)
    first = 0 if passed is None else 1
    # Of an operator's own function nobody knows what else it does.
    waits = getattr(function, "chancy", False) or not (own or plugins.has_own(function))

    def call(*args: Any, **kwargs: Any) -> Any:
        if waits:
            not_ahead(f"the {plugins.kind} {name!r}")
        if not takes_missing and len(args) > first:
            _defined(args[first])
        if as_is and name not in _LOOKS and len(args) > first:
            walked(args[first])
        if not as_is:
            args = (*args[:first], *(_data(each, takes_missing) for each in args[first:]))
            kwargs = {key: _data(each, takes_missing) for key, each in kwargs.items()}
        try:
            made = function(*args, **kwargs)
            return unrolled(made) if isinstance(made, UNROLLED) else made
        except _TOLD:
            raise
        except Exception as error:
            words = str(error) or "no further words"
            kind = type(error).__name__
            raise PluginError(f"the {plugins.kind} {name!r}: {kind}: {words}") from error

    if passed is not None:
        call.jinja_pass_arg = passed  # type: ignore[attr-defined]
    return call


def _is_jinjas(name: str, function: Function) -> bool:
    return function in (jinja_names.FILTERS.get(name), jinja_names.TESTS.get(name))


def _defined(value: Any) -> None:
    if isinstance(value, Missing):
        value._fail_with_undefined_error()


def _data(value: Any, takes_missing: bool) -> Any:
    if takes_missing and isinstance(value, Undefined):
        return value
    if isinstance(value, Context) or (callable(value) and not isinstance(value, Undefined)):
        return value
    return plain(value)
