"""Parameters of modules, declared: `option` for a field, `module` for the class, `spec` as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, TypeVar, dataclass_transform, get_args

from opsrun.modules.base import Module

Kind = Literal[
    "str", "bool", "int", "float", "list", "dict", "path", "mode", "bytes", "json", "raw"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_KEY = "opsrun.option"
_REST = "opsrun.others"
_SPEC = "_spec"
_HINT = re.compile(r"(str|bool|int|float|list|dict|Any|Mapping|Sequence)\b")
_BY_HINT: Mapping[str, Kind] = {"Any": "raw", "Mapping": "dict", "Sequence": "list"}


@dataclass(frozen=True, slots=True)
class Option:
    """One parameter of a module."""

    name: str
    """As playbooks write it."""
    attribute: str
    """The field that holds its value."""
    kind: Kind = "str"
    default: Any = None
    required: bool = False
    elements: Kind | None = None
    """What a list holds; None for whatever there is."""
    choices: tuple[Any, ...] = ()
    aliases: tuple[str, ...] = ()
    secret: bool = False
    """Never shown."""
    doc: str = ""
    null: bool = False
    """Whether null is a value of its own, and not the same as the default."""


Judge = Callable[[Mapping[str, Any]], Iterable[tuple[str, str]]]
"""Finds in values, by attribute, what can't be had: each with the option's name, and why."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds between the parameters of a module."""

    exclusive: tuple[tuple[str, ...], ...] = ()
    """At most one of each."""
    together: tuple[tuple[str, ...], ...] = ()
    """All of each, or none."""
    one_of: tuple[tuple[str, ...], ...] = ()
    """At least one of each."""
    required_if: tuple[tuple[str, Any, tuple[str, ...]], ...] = ()
    """``("state", "link", ("src",))``: with that value, those are needed."""
    judged: Judge | None = None
    """What else is wrong with values, which may still be templates."""


@dataclass(frozen=True, slots=True)
class Spec:
    """All that is known of a module's parameters."""

    name: str
    options: tuple[Option, ...]
    rules: Rules
    free_form: str | None
    doc: str
    open: bool = False
    """Whether it takes names beside its options (``set_fact``: variables)."""
    rest: str = ""
    """The field that those come to, as a mapping; empty where somebody else takes them."""
    _named: Mapping[str, Option] = field(init=False, repr=False, compare=False)
    """Each option by its name and aliases: asked for many times a task."""

    def __post_init__(self) -> None:
        named = {name: each for each in self.options for name in (each.name, *each.aliases)}
        object.__setattr__(self, "_named", named)

    def find(self, name: str) -> Option | None:
        """By name or alias."""
        return self._named.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name and alias."""
        return tuple(self._named)


@dataclass(frozen=True, slots=True)
class _Declared:
    kind: Kind | None
    required: bool
    elements: Kind | None
    choices: tuple[Any, ...]
    aliases: tuple[str, ...]
    secret: bool
    doc: str
    name: str | None
    null: bool


def option(
    default: Any = None,
    *,
    required: bool = False,
    kind: Kind | None = None,
    elements: Kind | None = None,
    choices: Sequence[Any] = (),
    aliases: Sequence[str] = (),
    secret: bool = False,
    doc: str = "",
    name: str | None = None,
    null: bool = False,
) -> Any:
    """A field of a module that is a parameter.

    Args:
        default: what it is when it is not given; lists and mappings as tuples or None.
        required: it has to be given.
        kind: how what is written is read; None for what the annotation says.
        elements: what a list holds.
        choices: the values that it may have.
        aliases: further names.
        secret: its value is never shown.
        doc: what it is for.
        name: as playbooks write it, where the field can't be called that.
        null: null is a value of its own, and not the same as the default.
    """
    declared = _Declared(
        kind, required, elements, tuple(choices), tuple(aliases), secret, doc, name, null
    )
    return field(default=MISSING if required else default, kw_only=True, metadata={_KEY: declared})


def others() -> Any:
    """A field that takes every argument that is none of the options, by name."""
    return field(default_factory=dict, kw_only=True, metadata={_REST: True})


Made = TypeVar("Made", bound=Module)


@dataclass_transform(field_specifiers=(option, others), kw_only_default=True, frozen_default=True)
def module(
    name: str,
    *,
    free_form: str | None = None,
    exclusive: Sequence[Sequence[str]] = (),
    together: Sequence[Sequence[str]] = (),
    one_of: Sequence[Sequence[str]] = (),
    required_if: Sequence[tuple[str, Any, Sequence[str]]] = (),
    judged: Judge | None = None,
) -> Callable[[type[Made]], type[Made]]:
    """Makes a class a module: a frozen dataclass with a name and with rules, see `Rules`."""
    rules = Rules(
        tuple(map(tuple, exclusive)),
        tuple(map(tuple, together)),
        tuple(map(tuple, one_of)),
        tuple((one, value, tuple(names)) for one, value, names in required_if),
        judged,
    )

    def made(cls: type[Made]) -> type[Made]:
        frozen = dataclass(frozen=True, kw_only=True)(cls)
        frozen.name = name
        frozen.free_form = free_form
        setattr(frozen, _SPEC, _spec(frozen, rules))
        return frozen

    return made


def spec(module_class: type[Module]) -> Spec:
    """What a module takes, as data: for documentation, schemas and lint.

    Raises:
        TypeError: the class was not declared with `module`.
    """
    found = vars(module_class).get(_SPEC)
    if not isinstance(found, Spec):
        raise TypeError(f"{module_class.__name__} is not declared with @module")
    return found


def is_declared(module_class: type[Module]) -> bool:
    """Whether a class was declared with `module` itself, and not only one that it builds on."""
    return _SPEC in vars(module_class)


def declared(module_class: type[Made], said: Spec) -> type[Made]:
    """A class that was made of data, with what it takes."""
    setattr(module_class, _SPEC, said)
    return module_class


def _spec(module_class: type[Module], rules: Rules) -> Spec:
    options = []
    takes_more = False
    rest = ""
    every = sorted(fields(module_class), key=_place(module_class))  # type: ignore[arg-type]
    for each in every:
        declared = each.metadata.get(_KEY)
        if declared is None:
            takes_more = True
            rest = each.name if each.metadata.get(_REST) else rest
        else:
            default = None if each.default is MISSING else each.default
            options.append(_option(each.name, str(each.type), default, declared))
    doc = (module_class.__doc__ or "").strip()
    form = module_class.free_form
    return Spec(module_class.name, tuple(options), rules, form, doc, takes_more, rest)


def _place(module_class: type[Module]) -> Callable[[Field[Any]], tuple[bool, int]]:
    """Needed ones first; what a module has of its own before what it shares with others."""
    bases = module_class.__mro__
    own: dict[str, int] = {}
    for at, each in enumerate(bases):
        for name in vars(each).get("__annotations__", ()):
            own.setdefault(name, at)
    return lambda each: (each.default is not MISSING, own[each.name])


def _option(attribute: str, annotation: str, default: Any, declared: _Declared) -> Option:
    return Option(
        name=declared.name or attribute,
        attribute=attribute,
        kind=declared.kind or _kind(attribute, annotation),
        default=default,
        required=declared.required,
        elements=declared.elements,
        choices=declared.choices,
        aliases=declared.aliases,
        secret=declared.secret,
        doc=declared.doc,
        null=declared.null,
    )


def _kind(attribute: str, annotation: str) -> Kind:
    found = _HINT.match(annotation)
    if found is None:
        raise TypeError(f"{attribute}: say its kind; {annotation!r} tells none")
    hint = found[0]
    return _BY_HINT.get(hint) or hint  # type: ignore[return-value]
