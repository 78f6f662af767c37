"""Texts encrypted and decrypted in templates, with a secret that the template names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opsrun.errors import InputError, UsageError
from opsrun.playbook.templating.filters.values import kind
from opsrun.playbook.templating.library import PluginError, chancy
from opsrun.secret import Secret
from opsrun.vault.envelope import is_sealed
from opsrun.vault.vault import Vault, VaultSecrets, sealed

_LABEL = "filter_default"


@chancy
def vault(
    value: Any,
    secret: Any,
    salt: Any = None,
    vault_id: Any = _LABEL,
    wrap_object: Any = False,
    vaultid: Any = None,
) -> str:
    """``value`` encrypted.

    Args:
        value: text.
        secret: the password.
        salt: text; one at random if there is none. With the same one the result is the same.
        vault_id: stands in the result; ``vaultid`` is its old name.
        wrap_object: the result is text, whatever this says.
    """
    plain, password = _text(value, "vault"), _secret(secret, "vault")
    made = None if salt is None else str(salt).encode("utf-8", "surrogateescape")
    if made == b"":
        raise PluginError("vault: the salt is empty")
    label = str(vault_id if vaultid is None else vaultid)
    try:
        return sealed(plain.encode("utf-8", "surrogateescape"), password, label, salt=made)
    except UsageError as error:
        raise PluginError(f"vault: {error}") from error


@chancy
def unvault(value: Any, secret: Any, vault_id: Any = _LABEL, vaultid: Any = None) -> Any:
    """What is in an encrypted text; a text that isn't encrypted, as it is.

    Args:
        value: the envelope.
        secret: the password.
        vault_id: told in errors; ``vaultid`` is its old name.
    """
    text, password = _text(value, "unvault"), _secret(secret, "unvault")
    if not is_sealed(text):
        return text
    label = str(vault_id if vaultid is None else vaultid)
    try:
        return Vault(VaultSecrets(((label, password),))).text(text, what="unvault: the text")
    except InputError as error:
        raise PluginError(str(error)) from error


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise PluginError(f"{name} expects text, not {kind(value)}")
    return value


def _secret(value: Any, name: str) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise PluginError(f"{name}: the secret must be text, not {kind(value)}")
    return Secret(value)


FILTERS: dict[str, Callable[..., Any]] = {"vault": vault, "unvault": unvault}
