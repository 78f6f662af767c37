"""From arguments as they are written, or rendered, to a module that can run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template
from opsrun.errors import UsageError, did_you_mean
from opsrun.modules.base import Module
from opsrun.modules.coercion import BadValue, coerced, shown
from opsrun.modules.declaring import Option, Spec, spec

Made = TypeVar("Made", bound=Module)

RAW_PARAMS = "_raw_params"
"""What free-form text is called where arguments are a mapping."""

_UNTOLD = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


class OptionError(UsageError):
    """A module's arguments can't be used.

    Args:
        message: what is wrong, what was expected, and the nearest right name.
        option: which one, as it is written; empty where it is about none that was given.
        module: the module's name.
        origin: where it is written, where that is known.
    """

    def __init__(
        self, message: str, option: str = "", module: str = "", origin: Origin | None = None
    ) -> None:
        super().__init__(message, option, module, origin)
        self.message = message
        self.option = option
        self.module = module
        self.origin = origin

    def __str__(self) -> str:
        return self.message


def resolve(
    module_class: type[Made],
    args: Mapping[str, Any],
    free_form: str | None = None,
    origin: Origin | None = None,
    places: Mapping[str, Origin] | None = None,
) -> Made:
    """A module from rendered arguments.

    Args:
        module_class: declared with `module`.
        args: by name, as a playbook has them.
        free_form: text that stands beside them.
        origin: where the action is written.
        places: where each argument is.

    Raises:
        OptionError: the first thing that is wrong, in the order in which they are written.
    """
    resolution = _Resolution(spec(module_class), origin, places or {})
    values, errors = resolution.of(args, free_form)
    for error in errors:
        raise resolution.as_searched_for(error)
    return module_class(**values)


def problems(
    module_class: type[Module],
    args: Mapping[str, Any],
    free_form: str | None = None,
    origin: Origin | None = None,
    places: Mapping[str, Origin] | None = None,
    *,
    complete: bool = True,
) -> list[OptionError]:
    """Everything that is wrong with arguments; what is still a template is given the benefit.

    Args:
        complete: False where more arguments may come (``args: "{{ … }}"``, module_defaults).
    """
    resolution = _Resolution(spec(module_class), origin, places or {}, complete)
    return resolution.of(args, free_form)[1]


def secrets_of(module_class: type[Module], args: Mapping[str, Any]) -> list[str]:
    """Texts of parameters that must not be shown, wherever they turn up."""
    found = []
    for name, value in args.items():
        option = spec(module_class).find(name)
        if option is not None and option.secret and value is not None and str(value):
            found.append(str(value))
    return found


class _Resolution:
    """One module's arguments, being looked at."""

    def __init__(
        self,
        of: Spec,
        origin: Origin | None,
        places: Mapping[str, Origin],
        complete: bool = True,
    ) -> None:
        self._spec = of
        self._origin = origin
        self._places = places
        self._complete = complete
        self._written: dict[str, str] = {}
        """By an option's name, what it is called here."""
        self._unknown: dict[str, str] = {}
        """What is no option, and the nearest that is."""
        self._rest: dict[str, Any] = {}
        """What a field of the module's own takes: see `Spec.rest`."""

    def of(
        self, args: Mapping[str, Any], free_form: str | None
    ) -> tuple[dict[str, Any], list[OptionError]]:
        errors: list[OptionError] = []
        given = self._named(self._with_free_form(args, free_form, errors), errors)
        values: dict[str, Any] = {}
        for option in self._spec.options:
            if option.name in given and (given[option.name] is not None or option.null):
                try:
                    values[option.attribute] = self._value(option, given[option.name])
                except BadValue as bad:
                    errors.append(self._error(f"{self._called(option.name)}: {bad}", option.name))
            elif option.required and self._complete:
                errors.append(self._error(f"{self._spec.name} needs {option.name!r}", ""))
        if not errors:
            errors += self._ruled(given, values)
        if self._rest:
            values[self._spec.rest] = self._rest
        return values, errors

    def _with_free_form(
        self, args: Mapping[str, Any], text: str | None, errors: list[OptionError]
    ) -> Mapping[str, Any]:
        name = self._spec.free_form
        text = args.get(RAW_PARAMS) if text is None else text
        rest = {key: value for key, value in args.items() if key != RAW_PARAMS}
        if text is None or (name is None and text == ""):
            return rest
        if name is None:
            words = f"{self._spec.name} takes no free-form text, found {shown(text)}"
            errors.append(self._error(words, ""))
            return rest
        if name in rest and text != "":
            words = f"{self._spec.name} is given its command twice: as text, and as {name!r}"
            errors.append(self._error(words, name))
        return {name: text, **rest}

    def _named(self, args: Mapping[str, Any], errors: list[OptionError]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, value in args.items():
            option = self._spec.find(name)
            if option is None and self._spec.rest:
                self._rest[str(name)] = value
            elif option is None:
                guess = did_you_mean(str(name), self._spec.names)
                self._unknown[str(name)] = guess
                words = f"{self._spec.name} has no option {name!r}{guess}"
                errors.append(self._error(words, str(name)))
            elif option.name not in given or name == option.name:
                given[option.name] = value
                self._written[option.name] = name
        return given

    def _value(self, option: Option, value: Any) -> Any:
        if isinstance(value, Template):
            return value
        read = coerced(option.kind, value)
        if option.kind == "list":
            read = [self._element(option, each) for each in read]
        elif option.choices:
            read = _chosen(option, read)
        return tuple(read) if option.kind == "list" else read

    def _element(self, option: Option, value: Any) -> Any:
        if isinstance(value, Template):
            return value
        read = coerced(option.elements, value) if option.elements else value
        return _chosen(option, read) if option.choices else read

    def _ruled(self, given: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[OptionError]:
        there = {name for name, value in given.items() if value is not None}
        rules, what = self._spec.rules, self._spec.name
        for group in rules.exclusive:
            several = [name for name in group if name in there]
            if len(several) > 1:
                words = f"{what} takes only one of {_listed(group)}, found {_listed(several)}"
                yield self._error(words, several[1])
        for group in rules.together:
            several = [name for name in group if name in there]
            if several and len(several) < len(group) and self._complete:
                lacking = [name for name in group if name not in there]
                words = f"{what}: {_listed(several)} needs {_listed(lacking)} with it"
                yield self._error(words, several[0])
        for group in rules.one_of:
            if not there & set(group) and self._complete:
                yield self._error(f"{what} needs one of {_listed(group)}", "")
        yield from self._required_if(there, values)
        if rules.judged is not None:
            for name, words in rules.judged(values):
                yield self._error(f"{what}: {words}", name)

    def _required_if(self, there: set[str], values: Mapping[str, Any]) -> Iterator[OptionError]:
        for name, wanted, needed in self._spec.rules.required_if:
            option = self._spec.find(name)
            assert option is not None
            lacking = [each for each in needed if each not in there]
            is_so = values.get(option.attribute, option.default) == wanted
            if is_so and lacking and self._complete:
                words = f"{self._spec.name} with {name}={wanted} needs {_listed(lacking)}"
                yield self._error(words, name)

    def as_searched_for(self, error: OptionError) -> OptionError:
        """Of unknown options all, in the words that playbooks look for in ``msg``."""
        guess = self._unknown.get(error.option)
        if guess is None:
            return error
        words = f"Unsupported parameters for ({self._spec.name}) module: "
        return self._error(words + ", ".join(self._unknown) + guess, error.option)

    def _called(self, name: str) -> str:
        return self._written.get(name, name)

    def _error(self, message: str, name: str) -> OptionError:
        called = self._called(name)
        where = self._places.get(called, self._origin)
        return OptionError(message, called, self._spec.name, where)


def _chosen(option: Option, value: Any) -> Any:
    if isinstance(value, Template) or value in option.choices:
        return value
    # To YAML, ``yes`` is a truth value, also where a choice has that name.
    same = {"True": ("yes", "on", "true"), "False": ("no", "off", "false")}.get(str(value), ())
    for choice in option.choices:
        if choice in same:
            return choice
    found = _UNTOLD if option.secret else shown(value)
    guess = did_you_mean(str(value), [str(each) for each in option.choices])
    raise BadValue(f"expected one of {_listed(option.choices)}, found {found}{guess}")


def _listed(names: Any) -> str:
    return ", ".join(map(str, names))
