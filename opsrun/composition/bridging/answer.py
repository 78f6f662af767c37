"""What ansible-core printed, and what of it is the task's result."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from opsrun.modules.base import ModuleError
from opsrun.secret import MASK

_LEAST_SECRET = 4
"""Characters: shorter ones would be found in everything."""
_ERROR = re.compile(r"^(?:ERROR! |\[ERROR\]: |fatal: )", re.MULTILINE)
_SHOWN = 2000
_SSHPASS = "install the sshpass program"
_FROM = (
    "sshpass(1) is missing on this machine: ansible-core before 2.19 hands ssh(1) passwords with it"
)


def answer(stdout: str, stderr: str, name: str, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The registered result.

    Args:
        stdout: of ansible-playbook, with the ``minimal`` callback.
        stderr: likewise.
        name: of the variable, which nobody could guess: where it stands, the result follows.
        secrets: are not to be seen in it.

    Raises:
        ModuleError: there is none; with what was printed instead.
    """
    start = stdout.rfind(f'=> {{\n    "{name}": ')
    try:
        found, _ = json.JSONDecoder().raw_decode(stdout, start + 3) if start >= 0 else ({}, 0)
        result = found.get(name)
    except ValueError:
        result = None
    hidden = [each for each in secrets if len(each) >= _LEAST_SECRET]
    if isinstance(result, dict):
        return _explained({key: without(value, hidden) for key, value in result.items()})
    raise ModuleError(without(_why(stdout, stderr), hidden))


def _explained(result: dict[str, Any]) -> dict[str, Any]:
    """With what ansible-core leaves open: on which of the machines a program is missing."""
    msg = result.get("msg")
    if not isinstance(msg, str) or _SSHPASS not in msg or not result.get("failed"):
        return result
    return {**result, "msg": f"{msg} ({_FROM})"}


def without(value: Any, secrets: list[str]) -> Any:
    """The same with `MASK` in place of secrets."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return value
    if isinstance(value, dict):
        return {key: without(each, secrets) for key, each in value.items()}
    return [without(each, secrets) for each in value] if isinstance(value, list) else value


def _why(stdout: str, stderr: str) -> str:
    """In ansible-core's own words, without its tale of where in a file of ours it happened."""
    for said in (stderr, stdout):
        found = _ERROR.search(said)
        if found is not None:
            words = re.split(r"\n\s*\nThe error appears to be in |\nOrigin: ", said[found.end() :])
            return f"ansible-core: {words[0].strip()[:_SHOWN]}"
    said = (stderr.strip() or stdout.strip())[-_SHOWN:]
    return f"ansible-core gave no result{f': {said}' if said else ''}"
