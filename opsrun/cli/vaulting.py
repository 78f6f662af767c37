"""Secrets for what is encrypted: the options that all commands share, and the environment's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

if TYPE_CHECKING:
    from opsrun.vault.vault import Vault

F = TypeVar("F", bound=Callable[..., Any])

_TRUE = ("1", "true", "yes", "on", "y", "t")


class Given(Protocol):
    """What `vault_options` came to."""

    @property
    def vault_id(self) -> tuple[str, ...]:
        """``LABEL@SOURCE`` each."""

    @property
    def vault_password_file(self) -> tuple[str, ...]:
        """Files, and programs that print a secret."""

    @property
    def ask_vault_pass(self) -> bool:
        """Whether the operator is asked."""


@dataclass(frozen=True, slots=True)
class Vaulting:
    """The options by themselves."""

    vault_id: tuple[str, ...] = ()
    vault_password_file: tuple[str, ...] = ()
    ask_vault_pass: bool = False


def vault_options(function: F) -> F:
    """--vault-id --vault-password-file --ask-vault-pass."""
    return _vault_options("--ask-vault-pass", "--ask-vault-password")(function)


def vault_options_with_letter(function: F) -> F:
    """The same, where -J is not taken by --jump."""
    return _vault_options("-J", "--ask-vault-pass", "--ask-vault-password")(function)


def _vault_options(*ask: str) -> Callable[[F], F]:
    options = (
        click.option(
            "--vault-id",
            multiple=True,
            metavar="[LABEL@]SOURCE",
            help="Opens what is encrypted: a file, a program that prints the secret, or prompt; "
            "may be given again.",
        ),
        click.option(
            "--vault-password-file",
            "--vault-pass-file",
            multiple=True,
            metavar="FILE",
            help="The same, without a label.",
        ),
        click.option(*ask, is_flag=True, help="Ask once for the vault password."),
    )

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def vault_of(given: Given) -> Vault:
    """What opens the files that the command reads; asks for the passwords that are to be asked for.

    Raises:
        UsageError: a source can't be used.
    """
    return _made(given.vault_id, given.vault_password_file, given.ask_vault_pass)


@cache
def _made(vault_ids: tuple[str, ...], files: tuple[str, ...], ask: bool) -> Vault:
    # Once, whoever asks again: nobody wants to type it twice.
    from opsrun.cli.asking import Asker
    from opsrun.vault.sources import read_secrets, sources_of
    from opsrun.vault.vault import Vault

    told = told_by(os.environ)
    sources = sources_of(
        vault_ids,
        files,
        ask=ask or told["ask"],
        identity_list=told["identities"],
        default_file=told["file"],
        default_label=told["label"],
    )
    return Vault(read_secrets(sources, Asker(), only_matching=told["match"]))


def told_by(environ: Mapping[str, str]) -> dict[str, Any]:
    """What Ansible's variables say of vaults."""

    def is_on(name: str) -> bool:
        return environ.get(name, "").strip().lower() in _TRUE

    return {
        "identities": environ.get("ANSIBLE_VAULT_IDENTITY_LIST", "").split(","),
        "file": environ.get("ANSIBLE_VAULT_PASSWORD_FILE", "").strip() or None,
        "label": environ.get("ANSIBLE_VAULT_IDENTITY", "").strip() or "default",
        "ask": is_on("ANSIBLE_ASK_VAULT_PASS"),
        "match": is_on("ANSIBLE_VAULT_ID_MATCH"),
    }
