"""Conditions: ``when``, ``until``, ``failed_when``, ``that`` …

A text is an expression. Templates inside of it, which 2.18 took (and warned of), are taken, too,
but what they come to is never read as code, a plain word or a number aside. The one exception is a
condition that is a variable's name in braces: what the operator wrote there is a condition, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opsrun.dialect.origin import NOWHERE, Origin
from opsrun.dialect.tags import Template, Unsafe, Vaulted, holds_template
from opsrun.errors import TemplateError
from opsrun.playbook.templating.faults import Written
from opsrun.playbook.templating.lazy import text
from opsrun.playbook.templating.segments import Part, single, split

if TYPE_CHECKING:
    from opsrun.playbook.templating.templar import Templar

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OPERATORS = frozenset({"and", "or", "not", "in", "is", "if", "else"})
_PART = "opsrun_part_"
_KINDS = ((str, "str"), (Mapping, "dict"), (list, "list"))
"""As messages name what a template comes to."""


def holds(templar: Templar, value: Any, origin: Origin | None) -> bool:
    """Whether a condition as written holds. Raises TemplateError and whatever rendering raises."""
    if value is None:
        return True
    if isinstance(value, (list, tuple)):
        return all(holds(templar, each, origin) for each in value)
    if isinstance(value, Unsafe):
        raise TemplateError("a condition is an expression, and can't be !unsafe text")
    if isinstance(value, Vaulted):
        raise TemplateError("a condition is an expression, and what is encrypted is data")
    if isinstance(value, Template):
        return _of_template(templar, value)
    if not isinstance(value, str):
        return _decided(templar, templar.render(value), Written(str(value), origin or NOWHERE))
    if holds_template(value):
        raise TemplateError("this condition isn't from a file of yours, and holds a template")
    return _of_expression(templar, value, Written(value, origin or templar.origin))


def _of_expression(
    templar: Templar, source: str, written: Written, own: dict[str, Any] | None = None
) -> bool:
    if not source.strip():
        return True
    found = templar.expression(source.strip(), written, own)
    if isinstance(found, str) and found in ("True", "False"):
        if _rendered_name(templar, source.strip()):
            return found == "True"
        if found == "False":
            warn = "the condition {!r} came to the text 'False', which is true like any text"
            templar.lookups.warn(warn.format(source) + "; write `| bool`")
            return True
    return _decided(templar, found, written)


def _decided(templar: Templar, found: Any, written: Written) -> bool:
    """What a condition that came to ``found`` says. TemplateError, where that is to be true or
    false, and is neither."""
    holds, manner = bool(found), templar.lookups.odd_conditions
    if isinstance(found, bool) or manner == "take":
        return holds
    kind = next((name for each, name in _KINDS if isinstance(found, each)), type(found).__name__)
    if manner == "refuse":
        raise TemplateError(
            f"the conditional check {written.source!r} failed: its result was of type {kind!r}, "
            "neither true nor false; write a comparison, or `| bool`"
        )
    templar.lookups.warn(
        f"Conditional result at location {written.origin} was of type {kind!r}, "
        f"taken for {str(holds).lower()}: {written.source}"
    )
    return holds


def _rendered_name(templar: Templar, source: str) -> bool:
    """It names a variable that is a template: 2.18 makes its ``True`` and ``False`` no texts."""
    if not _NAME.fullmatch(source):
        return False
    try:
        return isinstance(templar.variables[source], Template)
    except KeyError:
        return False


def _of_template(templar: Templar, template: Template) -> bool:
    written = Written(str.__str__(template), template.origin)
    templar.lookups.warn(f"conditions need no {{{{ }}}}: {str.__str__(template)!r}")
    inner = single(written.source)
    if inner is not None:
        found = templar.embedded(inner, written)
        raw = as_written(templar, template) if isinstance(found, str) else None
        if type(raw) is str or isinstance(raw, Template):
            return holds(templar, raw, template.origin)
        return _of_value(templar, found, written)
    if "{%" in template or "{#" in template:
        return _of_value(templar, templar.evaluate(template), written)
    own: dict[str, Any] = {}
    parts = [_code(templar, part, own, written) for part in split(written.source)]
    return _of_expression(templar, "".join(parts), written, own)


def as_written(templar: Templar, template: Template) -> Any:
    """See `opsrun.playbook.interfaces.Templar.as_written`."""
    inner = single(str.__str__(template))
    if inner is None or not _WORD.fullmatch(inner):
        return None
    name, *keys = inner.split(".")
    found = written(templar.variables, name)
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def written(variables: Mapping[str, Any], name: str) -> Any:
    """The variable as the operator wrote it, where ``variables`` know; None otherwise."""
    ask = getattr(variables, "written", None)
    return None if ask is None else ask(name)


def _of_value(templar: Templar, found: Any, written: Written) -> bool:
    if not isinstance(found, str):
        return _decided(templar, found, written)
    word = found.strip()
    if not word:
        return False
    return _of_expression(templar, _pasted(word, written.source), written)


def _code(templar: Templar, part: Part, own: dict[str, Any], written: Written) -> str:
    if not part.is_value:
        return part.text
    found = templar.embedded(part.text, written)
    if part.quoted:
        name = f"{_PART}{len(own)}"
        own[name] = text(found)
        return f"{part.quoted} ~ {name} ~ {part.quoted}"
    if isinstance(found, str):
        return _pasted(found.strip(), f"{{{{ {part.text.strip()} }}}}")
    if isinstance(found, (bool, int, float)) or found is None:
        return repr(found)
    name = f"{_PART}{len(own)}"
    own[name] = found
    bool(found)
    return f"({name})"


def _pasted(word: str, source: str) -> str:
    if _NUMBER.fullmatch(word) or (_WORD.fullmatch(word) and word not in _OPERATORS):
        return word
    raise TemplateError(
        f"{source} came to the text {_short(word)}, and a text is never read as a condition; "
        "write the condition without {{ }}, or quote it: '{{ … }}'"
    )


def _short(word: str) -> str:
    return repr(word if len(word) <= 60 else word[:57] + "…")
