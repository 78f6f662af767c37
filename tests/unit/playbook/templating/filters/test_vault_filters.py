"""Secrets are never taken for what they are not."""

from __future__ import annotations

import pytest

from opsrun.playbook.templating.filters.vault import unvault, vault
from opsrun.playbook.templating.library import PluginError


def test_nothing_comes_back_in_clear_that_should_be_encrypted() -> None:
    with pytest.raises(PluginError, match="encrypt"):
        vault("secret", "password")


def test_only_what_is_encrypted_needs_a_key() -> None:
    assert unvault("plain", "password") == "plain"
    with pytest.raises(PluginError, match="decrypt"):
        unvault("$ANSIBLE_VAULT;1.1;AES256\n6162", "password")
