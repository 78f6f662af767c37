"""Keywords that are one value: rendered and read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.errors import PlaybookError, UndefinedVariable
from opsrun.modules.base import ModuleError
from opsrun.modules.coercion import BadValue, coerced
from opsrun.playbook.interfaces import Templar
from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.templating.omit import OMIT


def truth(value: Any, what: str = "") -> bool:
    """A truth value, as YAML, or text, may have it.

    Raises:
        ModuleError: it is none.
    """
    if isinstance(value, bool):
        return value
    try:
        return bool(coerced("bool", value))
    except BadValue as bad:
        raise ModuleError(f"{what}: {bad}" if what else str(bad)) from bad


def keyword(keywords: Keywords, name: str, templar: Templar, origin: Origin | None = None) -> Any:
    """A keyword's value; where it comes to ``omit``, that of what is around the task. None if
    there is none. TemplateError."""
    around: Keywords | None = keywords
    while around is not None:
        value = getattr(around, name)
        found = value if value is None else templar.render(value, origin)
        if found is not OMIT:
            return found
        around = around.above
    return None


def flag(task: Task, name: str, templar: Templar, default: bool = False) -> bool:
    """A keyword that is a truth value. TemplateError, ModuleError."""
    value = getattr(task.keywords, name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    found = keyword(task.keywords, name, templar, task.places.get(name, task.origin))
    return default if found in (None, "") else truth(found, name)


def number(task: Task, value: Any, name: str, templar: Templar, default: float) -> float:
    """A keyword that is a number. TemplateError, ModuleError."""
    if value is None:
        return default
    found = templar.render(value, task.places.get(name, task.origin))
    if found in (None, "") or found is OMIT:
        return default
    try:
        return float(coerced("float", found))
    except BadValue as bad:
        raise ModuleError(f"{name}: {bad}") from bad


def names(values: Sequence[Any], templar: Templar, origin: Origin) -> tuple[str, ...]:
    """Names, each maybe a template that gives one, or a list of them."""
    found: dict[str, None] = {}
    for value in values:
        rendered = templar.render(value, origin)
        several = rendered if isinstance(rendered, list) else [rendered]
        found.update({str(each): None for each in several if each not in (None, "", OMIT)})
    return tuple(found)


def environment(task: Task, templar: Templar, without_facts: bool = False) -> dict[str, str]:
    """What ``environment`` exports: inner mappings win over outer ones.

    Args:
        without_facts: leave out what can't be told before ``ansible_env`` is known.

    Raises:
        PlaybookError: it is no mapping.
    """
    found: dict[str, str] = {}
    for each in _parts(task.keywords.environment) if without_facts else task.keywords.environment:
        try:
            rendered = templar.render(each, task.places.get("environment", task.origin))
        except UndefinedVariable as error:
            if without_facts and "ansible_env" in str(error):
                continue
            raise
        for layer in rendered if isinstance(rendered, list) else [rendered]:
            if layer in (None, "") or layer is OMIT:
                continue
            if not isinstance(layer, Mapping):
                words = f"environment: expected names and values, found {type(layer).__name__}"
                where = task.places.get("environment", task.origin)
                raise PlaybookError(words, path=where.path, line=where.line)
            found.update({str(name): _text(value) for name, value in layer.items()})
    return found


def _parts(layers: Iterable[Any]) -> Iterator[Any]:
    """Mappings, a name at a time: what one of them needs is no other one's fault."""
    for layer in layers:
        if isinstance(layer, Mapping):
            yield from ({name: value} for name, value in layer.items())
        else:
            yield layer


def _text(value: Any) -> str:
    return "" if value is None or value is OMIT else str(value)
