"""The filters encrypt and decrypt as Ansible's do; recorded of ansible-core 2.18."""

from __future__ import annotations

from typing import Any

import pytest

from opsrun.playbook.templating.filters.vault import unvault, vault
from opsrun.playbook.templating.library import PluginError

RECORDED = (
    "$ANSIBLE_VAULT;1.2;AES256;dev\n"
    "37333631366337340a65353432386162653139616437386363626465333265613861353165306662\n"
    "6635353632663063343664323736343166343031373336333234626139636237340a386564633761\n"
    "6331646536306438663831316139613461313636303637303038\n"
)
"""``'abc' | vault('secret', 'salt', vault_id='dev')``"""


def test_with_a_salt_it_is_what_ansible_writes() -> None:
    assert vault("abc", "secret", "salt", vault_id="dev") == RECORDED
    assert vault("abc", "secret", "salt", vaultid="dev", wrap_object=True) == RECORDED


def test_without_one_it_is_another_each_time() -> None:
    made = vault("abc", "secret")
    assert made != vault("abc", "secret")
    assert made.startswith("$ANSIBLE_VAULT;1.2;AES256;filter_default\n")
    assert unvault(made, "secret") == "abc"


def test_what_ansible_wrote_is_read() -> None:
    assert unvault(RECORDED, "secret", vault_id="another") == "abc"
    assert unvault("plain", "secret") == "plain"


@pytest.mark.parametrize(
    ("function", "args", "words"),
    [
        (unvault, (RECORDED, "wrong"), "no secret opens it, or it is damaged"),
        (unvault, (RECORDED[:60], "secret"), "cut off or damaged"),
        (unvault, (5, "secret"), "unvault expects text, not a number"),
        (unvault, (RECORDED, None), "secret must be text"),
        (vault, (5, "secret"), "vault expects text, not a number"),
        (vault, ("abc", ["secret"]), "secret must be text, not a list"),
        (vault, ("abc", "secret", ""), "the salt is empty"),
        (vault, ("abc", "secret", None, "a;b"), "can't be a vault id"),
    ],
)
def test_mistakes(function: Any, args: tuple[Any, ...], words: str) -> None:
    with pytest.raises(PluginError, match=words) as caught:
        function(*args)
    assert "secret'" not in str(caught.value)
