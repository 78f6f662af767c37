"""Where secrets come from: prompts, files, and programs that print one.

A source is written ``LABEL@SOURCE`` or ``SOURCE``; SOURCE is ``prompt``, or a file. An executable
file is run, and prints the secret; one that is named ``…-client`` (whatever its extension) is told
for which vault id. Nothing of a secret is ever in arguments or in the environment.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from opsrun.errors import ConfigError, UsageError
from opsrun.secret import Secret
from opsrun.spawning import spawn
from opsrun.vault.envelope import DEFAULT, LABELS, is_label, is_sealed
from opsrun.vault.vault import Vault, VaultSecrets

PROMPTS = ("prompt", "prompt_ask_vault_pass")
_LONGEST = 1 << 20
"""Bytes that a file or a program may give."""

Prompt = Callable[[str], Secret | None]
"""Asks the operator, without echo; None where there is nobody to ask."""


@dataclass(frozen=True, slots=True)
class Source:
    """One secret's label and where it comes from."""

    label: str
    place: str
    """``prompt``, or a path."""
    said_by: str = "--vault-id"
    """What names it, for messages."""
    optional: bool = False
    """Others will do where it has none: it stands in settings, for whatever there may be."""

    @property
    def is_prompt(self) -> bool:
        """Whether the operator is asked."""
        return self.place in PROMPTS

    @staticmethod
    def of(text: str, said_by: str = "--vault-id", default_label: str = DEFAULT) -> Source:
        """``LABEL@SOURCE`` or ``SOURCE``; the first ``@`` ends the label.

        >>> Source.of("dev@~/.dev-pass").label, Source.of("prompt").label
        ('dev', 'default')

        Raises:
            UsageError: it is malformed.
        """
        label, at, place = text.partition("@")
        label, place = (label.strip(), place.strip()) if at else ("", text.strip())
        if not place:
            raise UsageError(f"{said_by}: expected LABEL@SOURCE or a file, found {text!r}")
        if label and not is_label(label):
            raise UsageError(f"{said_by}: {label!r} can't be a vault id: {LABELS}")
        return Source(label or default_label, place, said_by)


def sources_of(
    vault_ids: Iterable[str] = (),
    password_files: Iterable[str] = (),
    *,
    ask: bool = False,
    identity_list: Sequence[str] = (),
    default_file: str | None = None,
    default_label: str = DEFAULT,
) -> tuple[Source, ...]:
    """All sources, in the order in which their secrets are tried, each once.

    Args:
        vault_ids: of ``--vault-id``.
        password_files: of ``--vault-password-file``.
        ask: ``--ask-vault-pass``.
        identity_list: ``ANSIBLE_VAULT_IDENTITY_LIST``, or the key of ansible.cfg.
        default_file: ``ANSIBLE_VAULT_PASSWORD_FILE``, or the key.
        default_label: ``ANSIBLE_VAULT_IDENTITY``, or the key: the label of secrets without one.

    Raises:
        UsageError: one of them is malformed.
    """
    listed = (text for text in identity_list if text.strip())
    found = [Source.of(text, "vault_identity_list", default_label) for text in listed]
    found = [replace(source, optional=True) for source in found]
    found += [Source.of(text, default_label=default_label) for text in vault_ids]
    found += [Source(default_label, path, "--vault-password-file") for path in password_files]
    if default_file:
        found.append(Source(default_label, default_file, "vault_password_file", optional=True))
    if ask:
        found.append(Source(default_label, "prompt", "--ask-vault-pass"))
    unique = {(each.label, each.place): each for each in reversed(found)}
    return tuple(each for each in found if unique.pop((each.label, each.place), None))


def read_secrets(
    sources: Iterable[Source],
    prompt: Prompt,
    cwd: str = ".",
    *,
    only_matching: bool = False,
    new: bool = False,
    warn: Callable[[str], None] = lambda words: None,
) -> VaultSecrets:
    """The secrets of all sources: files are read, programs run, the operator is asked.

    Args:
        sources: see `sources_of`.
        prompt: asks.
        cwd: what paths are seen from.
        only_matching: see `VaultSecrets`.
        new: they are to encrypt; what is typed is asked for twice.
        warn: told of optional sources that have none.

    Raises:
        UsageError: a source has no secret, or can't be used; or none of the optional ones can.
        ConfigError: a file is encrypted, and no secret before it opens it.
    """
    ask = partial(_asked_twice if new else _asked, prompt=prompt)
    found = VaultSecrets(only_matching=only_matching)
    passed_over: list[UsageError] = []
    for source in sources:
        try:
            secret = _secret_of(source, ask, cwd, found)
        except UsageError as error:
            if not source.optional:
                raise
            passed_over.append(error)
        else:
            found = VaultSecrets((*found.entries, (source.label, secret)), only_matching)
    if passed_over and not found.entries:
        raise passed_over[0]
    for problem in passed_over:
        warn(f"warning: {problem}")
    return found


def _secret_of(
    source: Source, ask: Callable[[Source], Secret], cwd: str, before: VaultSecrets
) -> Secret:
    if source.is_prompt:
        return ask(source)
    path = os.path.join(cwd, os.path.expanduser(source.place))
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise UsageError(f"{source.said_by}: {source.place} is a directory")
        # A pipe (`<(pass show fleet)`) has no use for its permissions.
        is_program = stat.S_ISREG(status.st_mode) and os.access(path, os.X_OK)
        data = _printed(source, path) if is_program else _read(source, path, before)
    except OSError as error:
        raise UsageError(f"{source.said_by}: {source.place}: {error.strerror}") from None
    if not data:
        raise UsageError(f"{source.said_by}: {source.place}: there is no secret in it")
    return Secret(data.decode("utf-8", "surrogateescape"))


def _asked_twice(source: Source, prompt: Prompt) -> Secret:
    secret = _asked(source, prompt, "New vault password")
    if _asked(source, prompt, "The same again") != secret:
        raise UsageError(f"{source.said_by}: the two passwords differ")
    return secret


def _asked(source: Source, prompt: Prompt, words: str = "Vault password") -> Secret:
    named = f" ({source.label})" if source.label != DEFAULT else ""
    secret = prompt(f"{words}{named}: ")
    if secret is None:
        raise UsageError(f"{source.said_by}: there is no terminal to ask for the password on")
    if not secret:
        raise UsageError(f"{source.said_by}: the vault password{named} is empty")
    return secret


def _read(source: Source, path: str, before: VaultSecrets) -> bytes:
    with open(path, "rb") as file:
        data = file.read(_LONGEST + 1)
    if len(data) > _LONGEST:
        raise UsageError(f"{source.said_by}: {source.place}: larger than {_LONGEST} bytes")
    if is_sealed(data.strip()):
        # A file of one secret may be encrypted with one that comes before.
        data = Vault(before).open(data.strip(), path=source.place, error=ConfigError)
    return data.strip()


def _printed(source: Source, path: str) -> bytes:
    # Whoever asks for a passphrase in turn does so on the terminal: input and errors stay as they
    # are.
    process = spawn([os.path.abspath(path), *_told(source)], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        data = process.stdout.read(_LONGEST + 1)
        process.stdout.close()
    if process.returncode:
        status = process.returncode
        ended = f"ended with status {status}" if status > 0 else f"was killed by signal {-status}"
        words = f"{source.place} {ended}: no secret for the vault id {source.label!r}"
        raise UsageError(f"{source.said_by}: {words}")
    return data.strip(b"\r\n")


def _told(source: Source) -> list[str]:
    name = os.path.splitext(os.path.basename(source.place))[0]
    return ["--vault-id", source.label] if name.endswith("-client") else []
