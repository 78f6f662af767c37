"""Several secrets: which are tried, and what is said when none is the right one."""

from __future__ import annotations

import pickle

import pytest
from support.vaults import PASSWORD, envelope

from opsrun.errors import InputError, PlaybookError, UsageError
from opsrun.secret import Secret
from opsrun.vault.cipher import Keys, derive
from opsrun.vault.vault import NO_VAULT, Vault, VaultSecrets, WhichSecret

DEV, PROD, OLD = ("dev", Secret("d")), ("prod", Secret("p")), ("dev", Secret("old"))


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that keys were derived from."""
    seen: list[str] = []

    def told(secret: Secret, salt: bytes) -> Keys:
        seen.append(secret.reveal())
        return derive(secret, salt)

    monkeypatch.setattr("opsrun.vault.cipher.derive", told)
    return seen


def test_those_of_the_label_come_first(derived: list[str]) -> None:
    text = envelope("x", "prod", PROD[1])
    derived.clear()
    assert Vault(VaultSecrets((DEV, PROD, OLD))).open(text) == b"x"
    assert derived == ["p"]


def test_others_are_tried_in_their_order(derived: list[str]) -> None:
    text = envelope("x", "another", OLD[1])
    derived.clear()
    assert Vault(VaultSecrets((DEV, PROD, OLD))).open(text) == b"x"
    assert derived == ["d", "p", "old"]


def test_keys_are_derived_once(derived: list[str]) -> None:
    text = envelope("x", "dev", DEV[1])
    derived.clear()
    vault = Vault(VaultSecrets((PROD, DEV)))
    assert [vault.open(text) for _ in range(5)] == [b"x"] * 5
    assert derived == ["d"]


def test_only_those_of_the_label_where_that_is_asked_for() -> None:
    text = envelope("x", "prod", DEV[1])
    assert Vault(VaultSecrets((DEV,))).open(text) == b"x"
    with pytest.raises(InputError, match="the secrets at hand are of others: dev"):
        Vault(VaultSecrets((DEV,), only_matching=True)).open(text)


@pytest.mark.parametrize(
    ("secrets", "label", "words"),
    [
        ((), "default", "this file is encrypted, and no secret is at hand: say --vault-id, "),
        ((), "prod", "encrypted with the vault id 'prod', and no secret is at hand"),
        ((DEV, PROD, OLD), "prod", "no secret opens it, or it is damaged: tried prod, dev"),
        ((DEV,), "default", "no secret opens it, or it is damaged: tried dev"),
        ((PROD,), "prd", "tried prod; none of that id is at hand; did you mean 'prod'?"),
    ],
)
def test_an_error_names_what_was_tried(
    secrets: tuple[tuple[str, Secret], ...], label: str, words: str
) -> None:
    text = envelope("x", label, Secret("nobody's"))
    with pytest.raises(PlaybookError) as caught:
        Vault(VaultSecrets(secrets)).open(text, path="site.yml", error=PlaybookError)
    assert str(caught.value).startswith("site.yml: ")
    assert words in str(caught.value)
    assert caught.value.sealed


def test_which_one_encrypts() -> None:
    assert VaultSecrets((DEV,)).to_encrypt() == DEV
    assert VaultSecrets((DEV, PROD, OLD)).to_encrypt("prod") == PROD
    assert VaultSecrets((DEV, OLD)).to_encrypt("dev") == DEV
    with pytest.raises(WhichSecret, match="which secret encrypts: dev, prod"):
        VaultSecrets((DEV, PROD)).to_encrypt()
    with pytest.raises(UsageError, match="no secret has the vault id 'prd'; did you mean 'prod'"):
        VaultSecrets((PROD,)).to_encrypt("prd")
    with pytest.raises(UsageError, match="nothing to encrypt with: say --vault-id"):
        VaultSecrets().to_encrypt()


def test_passwords_of_scripts() -> None:
    assert VaultSecrets.of("hunter2").entries == (("default", Secret("hunter2")),)
    assert VaultSecrets.of({"dev": "a", "prod": Secret("b")}).labels == ("dev", "prod")
    for wrong in (5, {"dev": 5}, {5: "a"}):
        with pytest.raises(UsageError, match="vault: expected a password"):
            VaultSecrets.of(wrong)  # type: ignore[arg-type]


def test_nothing_shows_a_password() -> None:
    vault = Vault(VaultSecrets((("dev", PASSWORD),)))
    vault.open(envelope("x"))
    for shown in (repr(vault), repr(vault.secrets), str(vars(vault)), f"{vault.secrets}"):
        assert PASSWORD.reveal() not in shown
    with pytest.raises(TypeError):
        pickle.dumps(vault.secrets)
    assert repr(NO_VAULT) == "<Vault without secrets>"
