"""Arguments held against a specification, as ``meta/argument_specs.yml`` writes it.

A specification is a mapping from an argument's name to what is said of it: ``type``, ``required``,
``choices``, ``default``, ``elements``, ``aliases``, ``no_log``, and of dictionaries ``options`` (a
specification of what is in them) with the rules ``mutually_exclusive``, ``required_together``,
``required_one_of``, ``required_if`` and ``required_by``. Everything is looked at, whatever is wrong
before it; nothing is changed, and defaults count for the rules alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import NoneType
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.modules.coercion import BadValue, coerced, shown
from opsrun.playbook.arguments.rules import before_defaults, with_defaults

KINDS: Mapping[str, str] = {
    **{kind: kind for kind in ("str", "bool", "int", "float", "list", "dict", "path", "raw")},
    "json": "json",
    "jsonarg": "json",
    "bytes": "bytes",
    "bits": "bytes",
}
"""By the names that specifications have for them, the kinds of `opsrun.modules.coercion`."""


def problems(options: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """All that is wrong with ``given``, each with the path of its argument (``sub.x``).

    Args:
        options: the specification, rendered.
        given: the arguments, rendered.
    """
    return list(_Level(options, {}, "").of(given))


class _Level:
    """A specification, and what lies at one path.

    Args:
        options: by name.
        rules: what holds between them.
        path: of the dictionary, with a dot at its end; empty for the arguments themselves.
    """

    def __init__(self, options: Mapping[str, Any], rules: Mapping[str, Any], path: str) -> None:
        self._rules = rules
        self._path = path
        self._bad = [name for name, option in options.items() if not isinstance(option, Mapping)]
        self._options = {str(k): v for k, v in options.items() if isinstance(v, Mapping)}
        self._names = {
            str(alias)
            for name, option in self._options.items()
            for alias in (*_listed(option.get("aliases")), name)
        }

    def of(self, given: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong."""
        for name in self._bad:
            yield f"{self._path}{name}: its specification is no dictionary"
        yield from self._unknown(given)
        values = self._named(given)
        yield from self._missing(values)
        yield from before_defaults(self._rules, values, self._path)
        for name, option in self._options.items():
            yield from self._option(name, option, values)
        known = {**self._defaults(), **values}
        yield from with_defaults(self._rules, known, self._path)

    def _unknown(self, given: Mapping[str, Any]) -> Iterator[str]:
        names = [str(each) for each in given if each not in self._bad]
        found = [each for each in names if each not in self._names]
        if found:
            hint = "".join(did_you_mean(each, self._names) for each in found)
            known = "" if hint else f"; there is {', '.join(self._options) or 'none at all'}"
            yield f"{self._all(found)}: no such argument{hint}{known}"

    def _missing(self, values: Mapping[str, Any]) -> Iterator[str]:
        """Whatever is missing here is one error, as in Ansible."""
        found = [
            name
            for name, option in self._options.items()
            if name not in values and is_true(option.get("required")) and not has_default(option)
        ]
        if found:
            yield f"{self._all(found)}: {'is' if len(found) == 1 else 'are'} required"

    def _all(self, names: Iterable[str]) -> str:
        return ", ".join(f"{self._path}{name}" for name in names)

    def _named(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Under their own names; an alias wins over the name that it stands for."""
        told = {str(name): value for name, value in given.items()}
        return {
            name: told[key]
            for name, option in self._options.items()
            for key in (name, *map(str, _listed(option.get("aliases"))))
            if key in told
        }

    def _defaults(self) -> dict[str, Any]:
        return {
            name: option["default"] for name, option in self._options.items() if has_default(option)
        }

    def _option(
        self, name: str, option: Mapping[str, Any], values: Mapping[str, Any]
    ) -> Iterator[str]:
        path, required = f"{self._path}{name}", is_true(option.get("required"))
        if required and has_default(option):
            yield f"{path}: its specification has a default, and requires it to be given"
        if not isinstance(option.get("choices", []), (list, tuple, NoneType)):
            yield f"{path}: the choices of its specification are no list"
        if name not in values:
            if has_default(option):
                yield from self._value(f"{path} (its default)", option, option["default"])
            elif is_true(option.get("apply_defaults")) and "options" in option:
                yield from self._inner(path, option, {})
            return
        if values[name] is None and not required and not has_default(option):
            return
        yield from self._value(path, option, values[name])

    def _value(self, path: str, option: Mapping[str, Any], value: Any) -> Iterator[str]:
        kind = str(option.get("type") or "str")
        try:
            read = _read(kind, value, is_true(option.get("no_log")))
        except BadValue as bad:
            yield f"{path}: {bad}"
            return
        if kind == "list" and option.get("elements") is not None:
            wrong, read = _elements(path, option, read)
            yield from wrong
            if wrong and option["elements"] != "dict":
                return
        yield from _choice(path, option, read)
        yield from self._nested(path, option, read)

    def _nested(self, path: str, option: Mapping[str, Any], value: Any) -> Iterator[str]:
        if option.get("options") is None:
            return
        if isinstance(value, Mapping):
            yield from self._inner(path, option, value)
        elif isinstance(value, list) and option.get("elements") == "dict":
            for number, each in enumerate(value):
                yield from self._inner(f"{path}[{number}]", option, each)

    def _inner(
        self, path: str, option: Mapping[str, Any], value: Mapping[str, Any]
    ) -> Iterator[str]:
        options = option["options"]
        if not isinstance(options, Mapping):
            yield f"{path}: the options of its specification are no dictionary"
            return
        yield from _Level(options, option, f"{path}.").of(value)


def _elements(
    path: str, option: Mapping[str, Any], values: Sequence[Any]
) -> tuple[list[str], list[Any]]:
    """What is wrong with a list's entries, and those that are right, read."""
    wrong, read = [], []
    for number, each in enumerate(values):
        try:
            read.append(_read(str(option["elements"]), each, is_true(option.get("no_log"))))
        except BadValue as bad:
            wrong.append(f"{path}[{number}]: {bad}")
    return wrong, read


def has_default(option: Mapping[str, Any]) -> bool:
    """Whether a specification has a default that counts."""
    return option.get("default") is not None


def _read(kind: str, value: Any, secret: bool) -> Any:
    if kind not in KINDS:
        raise BadValue(f"its specification has no type {kind!r}{did_you_mean(kind, KINDS)}")
    if value is None and kind not in ("raw", "json", "jsonarg"):
        raise BadValue(f"expected {_a(kind)}, found nothing")
    try:
        return coerced(KINDS[kind], value)
    except BadValue:
        if secret:
            raise BadValue(
                f"expected {_a(kind)}, found another value, which is not shown"
            ) from None
        raise


def _a(kind: str) -> str:
    words = {"int": "a whole number", "bool": "yes or no", "dict": "a mapping", "list": "a list"}
    return words.get(kind, "a value of the type " + kind)


def _choice(path: str, option: Mapping[str, Any], value: Any) -> Iterator[str]:
    choices = option.get("choices")
    if not isinstance(choices, (list, tuple)):
        return
    wanted = value if isinstance(value, list) else [value]
    for each in wanted:
        if each in choices or (wanted is not value and _same_truth(each, choices)):
            continue
        found = "a value that is not shown" if is_true(option.get("no_log")) else shown(each)
        hint = did_you_mean(str(each), [str(one) for one in choices])
        yield f"{path}: expected one of {', '.join(map(str, choices))}, found {found}{hint}"


def _same_truth(value: Any, choices: Any) -> bool:
    """To YAML, ``yes`` is a truth value, also where a choice, a text, has that name."""
    if not isinstance(value, str):
        return False
    texts: Mapping[str, tuple[Any, ...]] = {
        "True": ("yes", "on", "true", True),
        "False": ("no", "off", "false", False),
    }
    same = texts.get(value, ())
    return sum(choice in same for choice in choices) == 1


def is_true(value: Any) -> bool:
    """Whether a specification says yes, in whichever spelling."""
    try:
        return bool(value is not None and coerced("bool", value))
    except BadValue:
        return bool(value)


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else [] if value is None else [value]
