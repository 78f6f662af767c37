"""Where things are in nested data: filters of ``ansible.utils``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, pass_environment
from jinja2.exceptions import TemplateRuntimeError

from opsrun.playbook.templating import datapaths
from opsrun.playbook.templating.filters.values import a_list, a_text, kind
from opsrun.playbook.templating.library import PluginError, lazy


@lazy
def get_path(value: Any, path: Any, wantlist: Any = None) -> Any:
    """What is at a path; a list of it with ``wantlist``."""
    if isinstance(path, bool) or not isinstance(path, (str, int)):
        raise PluginError(f"get_path expects a path, not {kind(path)}")
    found = datapaths.at_path(value, f"[{path}]" if isinstance(path, int) else path)
    return [found] if wantlist else found


def to_paths(value: Any, prepend: Any = None, wantlist: Any = None) -> Any:
    """A flat dictionary of paths; a list of it with ``wantlist``."""
    found = datapaths.paths(value, prepend)
    return [found] if wantlist else found


@pass_environment
def index_of(
    environment: Environment,
    value: Any,
    test: Any,
    wanted: Any = None,
    key: Any = None,
    fail_on_missing: Any = None,
    wantlist: Any = None,
    **named: Any,
) -> Any:
    """The places of the entries that a test holds for: a number for one, else a list.

    Args:
        value: a list.
        test: a test's name.
        wanted: its argument (``value=``); none for tests that take none.
        key: in lists of dictionaries, the key whose value is tested.
        fail_on_missing: a dictionary without that key is an error.
        wantlist: one place is a list, too.
    """
    if set(named) - {"value"}:
        raise PluginError(f"index_of has no option {min(set(named) - {'value'})!r}")
    name, wanted = a_text(test, "index_of's test"), named.get("value", wanted)
    if name not in environment.tests:
        raise PluginError(f"index_of: there is no test {name!r}")
    args = [] if wanted is None else [wanted]
    found = []
    for number, each in enumerate(a_list(value, "index_of")):
        tested = [each] if key is None else _under(each, str(key), number, fail_on_missing)
        if tested and _holds(environment, name, tested[0], args):
            found.append(number)
    return found[0] if len(found) == 1 and not wantlist else found


def _under(entry: Any, key: str, number: int, strict: Any) -> list[Any]:
    if not isinstance(entry, Mapping):
        raise PluginError(f"index_of with a key expects dictionaries, [{number}] is {kind(entry)}")
    if key not in entry and strict:
        raise PluginError(f"index_of: [{number}] has no key {key!r}")
    return [entry[key]] if key in entry else []


def _holds(environment: Environment, name: str, value: Any, args: list[Any]) -> bool:
    try:
        return bool(environment.call_test(name, value, args))
    except TemplateRuntimeError as error:
        raise PluginError(f"index_of: {error}") from error


FILTERS: dict[str, Callable[..., Any]] = {
    "ansible.utils.get_path": get_path,
    "ansible.utils.to_paths": to_paths,
    "ansible.utils.index_of": index_of,
}
