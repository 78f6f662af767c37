"""Encrypted texts: opsrun can't make or read them yet, and says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.library import PluginError

_ENVELOPE = "$ANSIBLE_VAULT"


def vault(value: Any, *args: Any, **options: Any) -> str:
    """Would encrypt. Raises PluginError always, rather than give the secret back in clear."""
    raise PluginError("opsrun can't encrypt yet; use ansible-vault encrypt_string")


def unvault(value: Any, *args: Any, **options: Any) -> Any:
    """A text that isn't encrypted, as it is. Raises PluginError for one that is."""
    if isinstance(value, str) and value.startswith(_ENVELOPE):
        raise PluginError("opsrun can't decrypt yet; use ansible-vault decrypt beforehand")
    return value


FILTERS: dict[str, Callable[..., Any]] = {"vault": vault, "unvault": unvault}
