"""Secrets for tests, and what they encrypt."""

from __future__ import annotations

from opsrun.secret import Secret
from opsrun.vault.vault import Vault, VaultSecrets, sealed

PASSWORD = Secret("test-password")
VAULT = Vault(VaultSecrets((("dev", PASSWORD),)))
"""Opens what `envelope` encrypts."""


def envelope(text: str | bytes, label: str = "dev", secret: Secret = PASSWORD) -> str:
    """``text`` as ansible-vault would write it; the same each time."""
    data = text.encode() if isinstance(text, str) else text
    return sealed(data, secret, label, salt=b"a salt of the tests' own")


def tagged(text: str, indent: int = 2, label: str = "dev", secret: Secret = PASSWORD) -> str:
    """The same as a value in YAML, to stand behind a key."""
    lines = envelope(text, label, secret).splitlines()
    return "!vault |\n" + "".join(f"{' ' * indent}{line}\n" for line in lines)
