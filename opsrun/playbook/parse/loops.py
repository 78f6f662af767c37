"""``loop``, ``with_*`` and ``loop_control``."""

from __future__ import annotations

from typing import Any

from opsrun.playbook.model.keywords import Loop, LoopControl
from opsrun.playbook.parse.inherit import conditions
from opsrun.playbook.parse.names import LOOP_CONTROL
from opsrun.playbook.parse.spot import Spot


def loop(spot: Spot) -> Loop | None:
    """What a task goes through; None where it doesn't. PlaybookError."""
    control = _control(spot)
    found = [key for key in spot.data if key == "loop" or key.startswith("with_")]
    if len(found) > 1:
        message = f"a task has one loop, and there are {' and '.join(found)}"
        spot.tell(spot.error(message, found[1]), "several-loops")
    if not found:
        return None
    key = found[0]
    value = spot.data[key]
    if value is None:
        if key == "loop":
            return None
        raise spot.error(f"{key!r} needs a value", key)
    return Loop(None if key == "loop" else key.removeprefix("with_"), value, control)


def _control(spot: Spot) -> LoopControl:
    if spot.data.get("loop_control") is None:
        return LoopControl()
    inner = spot.inner("loop_control", "loop_control")
    inner.known(LOOP_CONTROL)
    given: dict[str, Any] = {
        key: value
        for key, value in inner.data.items()
        if value is not None and key != "break_when" and key in LOOP_CONTROL
    }
    for key in ("extended", "extended_allitems"):
        if key in given:
            given[key] = inner.get(key, "bool")
    if "pause" in given:
        given["pause"] = inner.get("pause", "number")
    for key in ("loop_var", "index_var"):
        if key in given:
            given[key] = inner.get(key, "text")
    return LoopControl(**given, break_when=inner.convert("break_when", conditions))
