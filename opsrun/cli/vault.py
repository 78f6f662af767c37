"""``opsrun vault``: files and values, encrypted and decrypted."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from opsrun.cli.options import take
from opsrun.cli.vaulting import (
    F,
    Vaulting,
    seal_with,
    sealing,
    sealing_anew,
    vault_of,
    vault_options_with_letter,
)
from opsrun.errors import UsageError

_STDIN = "-"


class _Words(click.Group):
    """A group that knows ansible-vault's way to write ``encrypt-string``, too."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name.replace("_", "-"))


@click.group(cls=_Words, context_settings={"help_option_names": ["-h", "--help"]})
def vault() -> None:
    """Encrypt and decrypt files and values, in the format of ansible-vault."""


def _command(name: str) -> Callable[[F], Any]:
    def decorate(function: F) -> Any:
        with_options = vault_options_with_letter(function)
        # ansible-vault has it, and nothing here tells more.
        with_options = click.option("-v", "--verbose", count=True, hidden=True, expose_value=False)(
            with_options
        )
        return vault.command(name)(with_options)

    return decorate


_ENCRYPTS = click.option(
    "--encrypt-vault-id",
    metavar="LABEL",
    help="Which of the vault ids encrypts, where there are several.",
)
_OUTPUT = click.option(
    "--output", metavar="FILE", help="Where to; - is standard output. Default: in place."
)
_NO_TTY = click.option("--skip-tty-check", is_flag=True, hidden=True, expose_value=False)


@_command("encrypt")
@click.argument("files", nargs=-1, metavar="[FILE...]")
@_OUTPUT
@_ENCRYPTS
def encrypt(
    files: tuple[str, ...], output: str | None, encrypt_vault_id: str | None, **values: Any
) -> None:
    """Encrypt files in place; standard input to standard output where none is named."""
    from opsrun.cli.vault_files import clear_texts, put_out

    found = clear_texts(files, output)
    seal = sealing(take(Vaulting, values), encrypt_vault_id)
    made = {path: seal(data).encode() for path, data in found.items()}
    put_out(made, output)


@_command("decrypt")
@click.argument("files", nargs=-1, metavar="[FILE...]")
@_OUTPUT
def decrypt(files: tuple[str, ...], output: str | None, **values: Any) -> None:
    """Decrypt files in place; standard input to standard output where none is named.

    Nobody but owner and group may do anything with a file that was decrypted.
    """
    from opsrun.cli.vault_files import put_out, sealed_texts

    found = sealed_texts(files, output)
    opens = vault_of(take(Vaulting, values), asks=True)
    made = {path: opens.open(data, path=path) for path, data in found.items()}
    put_out(made, output, clear=True)


@_command("view")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def view(files: tuple[str, ...], **values: Any) -> None:
    """Print what is in encrypted files; they stay as they are."""
    from opsrun.cli.vault_files import sealed_texts, write_bytes

    found = sealed_texts(files, _STDIN if len(files) == 1 else None)
    opens = vault_of(take(Vaulting, values), asks=True)
    for made in [opens.open(data, path=path) for path, data in found.items()]:
        write_bytes(made)


@_command("create")
@click.argument("file", metavar="FILE")
@_ENCRYPTS
@_NO_TTY
def create(file: str, encrypt_vault_id: str | None, **values: Any) -> None:
    """Write a new encrypted file, in $EDITOR."""
    from opsrun.cli.vault_files import writable
    from opsrun.vault.editing import edited, put_back

    if os.path.lexists(file):
        raise UsageError(f"{file}: it is there already; `opsrun vault edit` changes it")
    writable(file)
    seal = sealing(take(Vaulting, values), encrypt_vault_id)
    made = edited(b"", file, os.environ)
    put_back(file, None, seal(made))


@_command("edit")
@click.argument("file", metavar="FILE")
@_ENCRYPTS
@_NO_TTY
def edit(file: str, encrypt_vault_id: str | None, **values: Any) -> None:
    """Change an encrypted file, in $EDITOR; one that isn't changed is not written."""
    from opsrun.cli.vault_files import sealed_texts, writable
    from opsrun.vault.editing import edited, put_back

    found = sealed_texts((file,), None)[file]
    writable(file)
    opens = vault_of(take(Vaulting, values), asks=True)
    plain, label, secret = opens.opened_by(found, path=file)
    if encrypt_vault_id is not None:
        label, secret = opens.secrets.to_encrypt(encrypt_vault_id)
    made = edited(plain, file, os.environ)
    if made != plain or encrypt_vault_id is not None:
        put_back(file, found, seal_with(label, secret)(made))


@_command("rekey")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--new-vault-id", metavar="[LABEL@]SOURCE", help="The secret that encrypts from now.")
@click.option(
    "--new-vault-password-file", metavar="FILE", help="The same, without a label. Default: asked."
)
@_ENCRYPTS
def rekey(
    files: tuple[str, ...],
    new_vault_id: str | None,
    new_vault_password_file: str | None,
    encrypt_vault_id: str | None,
    **values: Any,
) -> None:
    """Encrypt files anew with another secret; none of them unless all can be opened."""
    from opsrun.cli.vault_files import sealed_texts
    from opsrun.vault.rewriting import replace_all

    if new_vault_id is not None and new_vault_password_file is not None:
        raise click.UsageError("--new-vault-id and --new-vault-password-file: give one of them")
    found = sealed_texts(files, None)
    opens = vault_of(take(Vaulting, values), asks=True)
    plain = {path: opens.open(data, path=path) for path, data in found.items()}
    given = new_vault_id, new_vault_password_file
    if encrypt_vault_id is not None and given == (None, None):
        seal = seal_with(*opens.secrets.to_encrypt(encrypt_vault_id))
    else:
        seal = sealing_anew(*given, encrypt_vault_id)
    made = {path: seal(data).encode() for path, data in plain.items()}
    replace_all(made)


@_command("encrypt-string")
@click.argument("texts", nargs=-1, metavar="[TEXT...]")
@click.option("-n", "--name", "names", multiple=True, help="Names of the texts, in their order.")
@click.option("--stdin-name", metavar="NAME", help="Name of the text on standard input.")
@click.option("-p", "--prompt", is_flag=True, help="Ask for the text.")
@click.option("--show-input", is_flag=True, help="Show what is typed there.")
@click.option("--output", metavar="FILE", help="Where to. Default: standard output.")
@_ENCRYPTS
def encrypt_string(
    texts: tuple[str, ...],
    names: tuple[str, ...],
    stdin_name: str | None,
    prompt: bool,
    show_input: bool,
    output: str | None,
    encrypt_vault_id: str | None,
    **values: Any,
) -> None:
    """Encrypt texts for a YAML file: what is printed can be pasted there.

    TEXT on the command line is seen by everybody on this machine, and kept by the shell: - reads
    standard input, and --prompt asks.
    """
    from opsrun.cli.vault_files import put_out
    from opsrun.cli.vault_strings import String, gathered, in_yaml

    strings: list[String] = gathered(texts, names, stdin_name, prompt, show_input)
    seal = sealing(take(Vaulting, values), encrypt_vault_id)
    made = "".join(in_yaml(string, seal) for string in strings)
    put_out({_STDIN: made.encode()}, output or _STDIN)
