"""Encrypted values, decrypted where they are used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsrun.dialect.tags import Opened, Vaulted
from opsrun.errors import InputError
from opsrun.secret import note
from opsrun.vault.vault import Vault


def opened_text(
    value: Vaulted, vault: Vault, name: str = "", error: type[InputError] = InputError
) -> Opened:
    """The text of one encrypted value.

    Args:
        value: what is encrypted.
        vault: opens it.
        name: of the variable, for messages.
        error: what is raised.

    Raises:
        InputError: of the kind ``error``: it can't be opened; with the place of the value.
    """
    what = repr(name.lstrip(".")) if name else "this value"
    origin = value.origin
    text = vault.text(value.text, path=origin.path, line=origin.line, what=what, error=error)
    note(text)
    return Opened(text, value.text)


def opened(data: Any, vault: Vault, name: str = "", error: type[InputError] = InputError) -> Any:
    """``data`` with all that is encrypted in it decrypted. Raises as `opened_text`."""
    if isinstance(data, Vaulted):
        return opened_text(data, vault, name, error)
    if isinstance(data, Mapping):
        return {key: opened(each, vault, f"{name}.{key}", error) for key, each in data.items()}
    if isinstance(data, (list, tuple)):
        return [opened(each, vault, f"{name}[{at}]", error) for at, each in enumerate(data)]
    return data
