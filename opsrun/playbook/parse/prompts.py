"""``vars_prompt``."""

from __future__ import annotations

from opsrun.playbook.model.nodes import VarsPrompt
from opsrun.playbook.parse.checks import is_name, shown
from opsrun.playbook.parse.names import VARS_PROMPT
from opsrun.playbook.parse.spot import Spot, spot_at


def prompts(play: Spot) -> tuple[VarsPrompt, ...]:
    """The questions of a play. PlaybookError."""
    value = play.data.get("vars_prompt")
    if value is None:
        return ()
    if isinstance(value, dict):
        return (_prompt(play.inner("vars_prompt", "vars_prompt")),)
    if not isinstance(value, list):
        raise play.value_error(
            f"vars_prompt: expected a list of questions, found {shown(value)}", "vars_prompt"
        )
    return tuple(
        _prompt(spot_at(play.document, value, number, "vars_prompt"))
        for number in range(len(value))
    )


def _prompt(spot: Spot) -> VarsPrompt:
    spot.known(VARS_PROMPT)
    name = spot.data.get("name")
    if name is None:
        raise spot.error("a question needs the 'name' of a variable")
    if not is_name(name):
        raise spot.value_error(f"name: {shown(name)} can't name a variable", "name")
    private = spot.get("private", "bool")
    return VarsPrompt(
        name=name,
        prompt=spot.data.get("prompt", ""),
        default=spot.data.get("default"),
        private=True if private is None else private,
        confirm=bool(spot.get("confirm", "bool")),
        encrypt=spot.get("encrypt", "text"),
        salt=spot.get("salt", "text"),
        salt_size=spot.get("salt_size", "int"),
        unsafe=bool(spot.get("unsafe", "bool")),
        origin=spot.origin,
    )
