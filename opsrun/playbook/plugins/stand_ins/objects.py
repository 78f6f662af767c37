"""``ansible.parsing.yaml.objects`` and ``ansible.utils.unsafe_proxy``: here, data is plain data."""

from __future__ import annotations

from typing import Any

AnsibleUnicode = str
AnsibleSequence = list
AnsibleMapping = dict


class AnsibleVaultEncryptedUnicode(str):
    """None is ever made: vaults are decrypted before a plugin sees them."""


class AnsibleUnsafe:
    """None is ever made: all that a plugin gives is data."""


class AnsibleUnsafeText(str, AnsibleUnsafe):
    """None is ever made."""


class AnsibleUnsafeBytes(bytes, AnsibleUnsafe):
    """None is ever made."""


def wrap_var(v: Any) -> Any:
    """As it is."""
    return v


def to_unsafe_text(obj: Any) -> str:
    """As text."""
    return str(obj)
