"""Secrets for what is encrypted: the options that all commands share, and the environment's."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from opsrun.cli.main import warn
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.secret import Secret
    from opsrun.vault.sources import Source
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


def vault_of(given: Given, *, asks: bool = False) -> Vault:
    """What opens the files that the command reads; asks for the passwords that are to be asked for.

    Args:
        given: the options.
        asks: asks for one where nothing says where one is.

    Raises:
        UsageError: a source can't be used.
    """
    # Once, whoever asks again: nobody wants to type it twice.
    options = given.vault_id, given.vault_password_file, given.ask_vault_pass
    told = tuple(told_by(os.environ).items())
    return _made(Vaulting(*options), asks, _of_settings(), os.getcwd(), told)


@cache
def _made(
    given: Vaulting,
    asks: bool,
    optional: frozenset[str],
    cwd: str,
    told: tuple[tuple[str, Any], ...],
) -> Vault:
    from opsrun.vault.sources import read_secrets
    from opsrun.vault.vault import Vault

    match = dict(told)["match"]
    sources = _sources(given, asks, optional)
    return Vault(read_secrets(sources, _prompt, cwd, only_matching=match, warn=warn))


def _of_settings() -> frozenset[str]:
    """Options whose values are defaults of a settings file."""
    context = click.get_current_context(silent=True)
    if context is None:
        # Nobody typed anything: a program asks.
        return frozenset()
    typed = click.core.ParameterSource.COMMANDLINE
    names = {"vault_id": "--vault-id", "vault_password_file": "--vault-password-file"}
    return frozenset(
        names[name] for name in names if context.get_parameter_source(name) is not typed
    )


def _prompt(words: str) -> Secret | None:
    """Asks on the terminal; where there is none, a pipe's next line is the answer."""
    from opsrun.cli.asking import Asker
    from opsrun.secret import Secret

    asker = Asker()
    if asker.is_there() or sys.stdin.isatty():
        return asker(words)
    line = sys.stdin.readline()
    return Secret(line.rstrip("\r\n")) if line else None


def _sources(given: Given, asks: bool, optional: frozenset[str]) -> tuple[Source, ...]:
    from opsrun.cli.asking import Asker
    from opsrun.vault.sources import Source, sources_of
    from opsrun.vault.vault import HOW

    told = told_by(os.environ)
    found = sources_of(
        given.vault_id,
        given.vault_password_file,
        ask=given.ask_vault_pass or told["ask"],
        identity_list=told["identities"],
        default_file=told["file"],
        default_label=told["label"],
    )
    if found or not asks:
        return tuple(
            replace(each, optional=each.optional or each.said_by in optional) for each in found
        )
    if not Asker().is_there():
        # Standard input is the text itself, as far as anybody knows.
        raise UsageError(f"no vault secret is at hand: say {HOW}")
    return (Source(told["label"], "prompt", "--ask-vault-pass"),)


Seal = Callable[[bytes], str]
"""Encrypts."""


def seal_with(label: str, secret: Secret) -> Seal:
    """Encrypts with ``secret``; with ``ANSIBLE_VAULT_ENCRYPT_SALT``, the same each time."""
    from opsrun.vault.vault import sealed

    salt = os.environ.get("ANSIBLE_VAULT_ENCRYPT_SALT", "").encode("utf-8", "surrogateescape")
    return lambda plain: sealed(plain, secret, label, salt=salt or None)


def sealing(given: Given, label: str | None) -> Seal:
    """Encrypts with the secret of the options; what is typed is asked for twice.

    Raises:
        UsageError: a source can't be used, or there are several and ``label`` is none of theirs.
    """
    from opsrun.vault.sources import read_secrets

    found = read_secrets(_sources(given, True, _of_settings()), _prompt, new=True, warn=warn)
    return seal_with(*found.to_encrypt(label or told_by(os.environ)["encrypts"]))


def sealing_anew(vault_id: str | None, file: str | None, label: str | None) -> Seal:
    """Encrypts with the secret of ``--new-vault-id`` or ``--new-vault-password-file``; asked for
    twice where there is neither.

    Raises:
        UsageError: it can't be used.
    """
    from opsrun.vault.sources import Source, read_secrets

    default = told_by(os.environ)["label"]
    source = Source(default, file or "prompt", "--new-vault-password-file")
    if vault_id is not None:
        source = Source.of(vault_id, "--new-vault-id", default)
    return seal_with(*read_secrets([source], _prompt, new=True).to_encrypt(label))


def told_by(environ: Mapping[str, str]) -> dict[str, Any]:
    """What Ansible's variables say of vaults."""

    def is_on(name: str) -> bool:
        return environ.get(name, "").strip().lower() in _TRUE

    return {
        "identities": tuple(environ.get("ANSIBLE_VAULT_IDENTITY_LIST", "").split(",")),
        "file": environ.get("ANSIBLE_VAULT_PASSWORD_FILE", "").strip() or None,
        "label": environ.get("ANSIBLE_VAULT_IDENTITY", "").strip() or "default",
        "ask": is_on("ANSIBLE_ASK_VAULT_PASS"),
        "encrypts": environ.get("ANSIBLE_VAULT_ENCRYPT_IDENTITY", "").strip() or None,
        "match": is_on("ANSIBLE_VAULT_ID_MATCH"),
    }
