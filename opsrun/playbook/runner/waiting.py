"""What a task awaits: rendered, and looked at where it is a check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opsrun.modules.base import ModuleError
from opsrun.playbook.interfaces import Templar
from opsrun.playbook.messages import Wait
from opsrun.playbook.model.gates import Await, is_gate
from opsrun.playbook.templating.omit import OMIT


def waits(entries: Sequence[Await], templar: Templar) -> tuple[Wait, ...]:
    """The entries of ``awaits``, rendered; those that came to nothing are left out.

    Raises:
        TemplateError: one can't be rendered.
        ModuleError: it came to what can't be waited for.
    """
    return tuple(found for each in entries for found in _waits(each, templar))


def _waits(entry: Await, templar: Templar) -> list[Wait]:
    any_of = _number(entry.any_of, "any", entry, templar)
    timeout = _number(entry.timeout, "timeout", entry, templar)
    found: list[Wait] = []
    texts = _texts(entry, templar)
    gates = tuple(text for text in texts if _names_gate(entry, text))
    checks = tuple(text for text in texts if text not in gates)
    if gates:
        found.append(Wait(gates, False, None if any_of is None else int(any_of), timeout))
    if checks:
        found.append(Wait(checks, True, None if any_of is None else int(any_of), timeout))
    return found


def _names_gate(entry: Await, text: str) -> bool:
    if entry.kind != "gate":
        return entry.kind == "either" and is_gate(text)
    if not is_gate(text):
        raise ModuleError(f"{entry.origin}: {text!r} can't be the name of a gate")
    return True


def _texts(entry: Await, templar: Templar) -> list[str]:
    found: dict[str, None] = {}
    for each in entry.what:
        rendered = templar.render(each, entry.origin)
        several = rendered if isinstance(rendered, list) else [rendered]
        for text in several:
            if text in (None, "") or text is OMIT:
                continue
            if not isinstance(text, str | int | float):
                words = f"expected the name of a gate, or a check, found {text!r:.80}"
                raise ModuleError(f"{entry.origin}: {words}")
            found[str(text)] = None
    return list(found)


def _number(value: Any, name: str, entry: Await, templar: Templar) -> float | None:
    found = templar.render(value, entry.origin)
    if found in (None, "") or found is OMIT:
        return None
    try:
        number = float(found)
    except (TypeError, ValueError):
        words = f"{name}: expected a number, found {found!r:.80}"
        raise ModuleError(f"{entry.origin}: {words}") from None
    if not number > 0 or (name == "any" and not number.is_integer()):
        what = "a whole number from 1 on" if name == "any" else "more than 0 seconds"
        raise ModuleError(f"{entry.origin}: {name}: expected {what}, found {found!r:.80}")
    return number
