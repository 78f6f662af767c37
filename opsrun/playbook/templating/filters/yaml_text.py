"""Data as YAML text, and back: YAML 1.1, plain data only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from opsrun.playbook.templating.library import PluginError

_MOST_NODES = 1_000_000
_DEEPEST = 200


def to_yaml(value: Any, default_flow_style: bool | None = None, **options: Any) -> str:
    """``value`` as YAML: lists and dictionaries that hold no others on one line.

    ``options`` are those of PyYAML's ``dump``: indent, width, sort_keys, explicit_start …
    """
    options.setdefault("allow_unicode", True)
    return _dumped(value, {"default_flow_style": default_flow_style, **options})


def to_nice_yaml(value: Any, indent: Any = 4, **options: Any) -> str:
    """``value`` as YAML with each entry on a line of its own, see `to_yaml`."""
    return to_yaml(value, **{"default_flow_style": False, "indent": indent, **options})


def _dumped(value: Any, options: Mapping[str, Any]) -> str:
    import yaml

    try:
        made: str = yaml.dump(value, Dumper=_dumper(), **options)
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise PluginError(f"can't be written as YAML: {error}") from error
    return made


@cache
def _dumper() -> Any:
    import yaml

    return getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def from_yaml(value: Any) -> Any:
    """The data of the one YAML document in a text; what is no text is data already."""
    if not isinstance(value, str):
        return value
    return _loaded(value, lambda yaml, loader: yaml.load(value, loader))


def from_yaml_all(value: Any) -> Any:
    """A list of the data of all YAML documents in a text."""
    if not isinstance(value, str):
        return value
    return _loaded(value, lambda yaml, loader: list(yaml.load_all(value, loader)))


def _loaded(value: str, load: Callable[[Any, Any], Any]) -> Any:
    import yaml

    try:
        made = load(yaml, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise PluginError(_words(error)) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise PluginError(f"broken YAML: {error}") from error
    if _nodes(made, {}, 0) > _MOST_NODES:
        raise PluginError(f"YAML whose aliases expand to more than {_MOST_NODES} entries")
    return made


def _words(error: Any) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return f"broken YAML: {error}"
    problem = (getattr(error, "problem", None) or getattr(error, "context", None) or "").strip()
    return f"broken YAML: {problem} (line {mark.line + 1}, column {mark.column + 1} of the text)"


def _nodes(value: Any, known: dict[int, int], depth: int) -> int:
    """How many entries a copy of ``value`` would have; each container is counted once, however
    often aliases name it."""
    if not isinstance(value, (list, dict, set, tuple)):
        return 1
    if depth > _DEEPEST:
        raise PluginError(f"YAML that is nested deeper than {_DEEPEST}, or holds itself")
    if id(value) not in known:
        inner: Iterable[Any] = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_nodes(each, known, depth + 1) for each in inner)
    return known[id(value)]


FILTERS: dict[str, Callable[..., Any]] = {
    "to_yaml": to_yaml,
    "to_nice_yaml": to_nice_yaml,
    "from_yaml": from_yaml,
    "from_yaml_all": from_yaml_all,
}
