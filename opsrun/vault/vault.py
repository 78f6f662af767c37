"""Several secrets, and what they open."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from opsrun.errors import InputError, UsageError, did_you_mean
from opsrun.secret import Secret
from opsrun.vault.cipher import Derived, WrongSecret, seal, unseal
from opsrun.vault.envelope import DEFAULT, Damaged, parse, written

HOW = "--vault-id, --vault-password-file or --ask-vault-pass"


class WhichSecret(UsageError):
    """Several secrets could encrypt, and nothing says which."""


@dataclass(frozen=True, slots=True)
class VaultSecrets:
    """Passwords by vault id, in the order in which they are tried; an id may have several.

    >>> from opsrun import Secret, VaultSecrets
    >>> VaultSecrets((("dev", Secret("hunter2")),))
    VaultSecrets(entries=(('dev', ********),), only_matching=False)
    """

    entries: tuple[tuple[str, Secret], ...] = ()
    only_matching: bool = False
    """Try no secret of another id than the text's own."""

    @staticmethod
    def of(given: str | Secret | Mapping[str, str | Secret]) -> VaultSecrets:
        """One password for everything, or passwords by vault id."""
        named = given if isinstance(given, Mapping) else {DEFAULT: given}
        pairs = ((label, _secret(label, text)) for label, text in named.items())
        return VaultSecrets(tuple(pairs))

    @staticmethod
    def read(*sources: str) -> VaultSecrets:
        """Those of files, and of programs that print one: ``"dev@~/.dev-pass"``, ``"pass.sh"``.

        Raises:
            UsageError: there is none in one of them, or it can't be read.
        """
        from opsrun.vault.sources import read_secrets, sources_of

        return read_secrets(sources_of(sources), lambda words: None)

    @property
    def labels(self) -> tuple[str, ...]:
        """The vault ids, each once."""
        return tuple(dict.fromkeys(label for label, _ in self.entries))

    def for_label(self, label: str) -> list[tuple[str, Secret]]:
        """Those to try on a text with this label: its own first, then all others."""
        own = [entry for entry in self.entries if entry[0] == label]
        return own + [each for each in self.entries if each[0] != label and not self.only_matching]

    def to_encrypt(self, label: str | None = None) -> tuple[str, Secret]:
        """The secret that encrypts: the only one, or the first one of ``label``.

        Raises:
            UsageError: there is none, or there are several to choose from.
        """
        if not self.entries:
            raise UsageError(f"nothing to encrypt with: say {HOW}")
        if label is None and len(self.entries) > 1:
            each = ", ".join(name for name, _ in self.entries)
            raise WhichSecret(f"which secret encrypts: {each}? Say --encrypt-vault-id")
        if label is None:
            return self.entries[0]
        for entry in self.entries:
            if entry[0] == label:
                return entry
        hint = did_you_mean(label, self.labels)
        raise UsageError(f"no secret has the vault id {label!r}{hint}; there are {_ids(self)}")


def _secret(label: object, text: object) -> Secret:
    if isinstance(label, str) and isinstance(text, (str, Secret)):
        return text if isinstance(text, Secret) else Secret(text)
    raise UsageError("vault: expected a password, passwords by vault id, or VaultSecrets")


def _ids(secrets: VaultSecrets) -> str:
    return ", ".join(secrets.labels)


class Vault:
    """Opens what is encrypted, with the secrets that there are.

    Nothing is derived before something is to be opened; keys are kept, what was opened is not.
    Texts that are opened at the same time by several tasks may cost their keys twice, no more.
    """

    def __init__(self, secrets: VaultSecrets = VaultSecrets()) -> None:
        self.secrets = secrets
        self._derived = Derived()

    def __repr__(self) -> str:
        return f"<Vault {_ids(self.secrets) or 'without secrets'}>"

    def open(
        self,
        envelope: str | bytes,
        *,
        path: str | None = None,
        line: int | None = None,
        what: str = "",
        error: type[InputError] = InputError,
    ) -> bytes:
        """What is in an encrypted text.

        Args:
            envelope: the text, from ``$ANSIBLE_VAULT`` on.
            path: the file that it is, or stands in, for messages.
            line: where in that file it begins; None where it is the file.
            what: what it is, in words; empty for a whole file.
            error: what is raised.

        Raises:
            InputError: of the kind ``error``: it is damaged, or no secret opens it.
        """
        return self._tried(envelope, _Refusal(path, line, what, error))[0]

    def text(
        self,
        envelope: str | bytes,
        *,
        path: str | None = None,
        line: int | None = None,
        what: str = "",
        error: type[InputError] = InputError,
    ) -> str:
        """The same, as UTF-8 text. Raises what `open` does, and for bytes that are no text."""
        made = self.open(envelope, path=path, line=line, what=what, error=error)
        try:
            return made.decode("utf-8")
        except UnicodeDecodeError:
            refusal = _Refusal(path, line, what, error)
            raise refusal.because("is encrypted, and what is in it is no text (UTF-8)") from None

    def opened_by(
        self, envelope: str | bytes, *, path: str | None = None
    ) -> tuple[bytes, str, Secret]:
        """What is in it, its vault id, and the secret that opened it. Raises as `open`."""
        return self._tried(envelope, _Refusal(path, None, "", InputError))

    def _tried(self, envelope: str | bytes, refusal: _Refusal) -> tuple[bytes, str, Secret]:
        try:
            taken = parse(_text(envelope))
            for _, secret in self.secrets.for_label(taken.label):
                with suppress(WrongSecret):
                    return unseal(taken, self._derived(secret, taken.salt)), taken.label, secret
        except Damaged as damage:
            raise refusal.damaged(damage) from None
        raise refusal.because(_unopened(taken.label, self.secrets))


def _text(envelope: str | bytes) -> str:
    if isinstance(envelope, str):
        return envelope
    # Whatever is no ASCII is no part of the format, and told with its line.
    return envelope.decode("utf-8", "backslashreplace")


def _unopened(label: str, secrets: VaultSecrets) -> str:
    named = f" with the vault id {label!r}" if label != DEFAULT else ""
    if not secrets.entries:
        return f"is encrypted{named}, and no secret is at hand: say {HOW}"
    tried = [each for each, _ in secrets.for_label(label)]
    if not tried:
        return f"is encrypted{named}, and the secrets at hand are of others: {_ids(secrets)}"
    ids = ", ".join(dict.fromkeys(tried))
    known = label in tried or label == DEFAULT
    missing = "" if known else f"; none of that id is at hand{did_you_mean(label, tried)}"
    return f"is encrypted{named}, and no secret opens it, or it is damaged: tried {ids}{missing}"


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An error in the making."""

    path: str | None
    line: int | None
    what: str
    error: type[InputError]

    def because(self, words: str, line: int | None = None) -> InputError:
        subject = self.what or "this file"
        made = self.error(f"{subject} {words}", path=self.path, line=line or self.line)
        made.sealed = True
        return made

    def damaged(self, damage: Damaged) -> InputError:
        # A value in YAML may begin on the line of its key or not; of a file the line is known.
        line = damage.line if not self.what and self.path is not None else None
        return self.because(f"is encrypted, and can't be read: {damage}", line)


def sealed(plain: bytes, secret: Secret, label: str = DEFAULT, *, salt: bytes | None = None) -> str:
    """The text of ``plain`` encrypted, as ansible-vault writes it.

    Raises:
        UsageError: the label can't be one.
    """
    try:
        return written(seal(plain, secret, label, salt=salt))
    except ValueError as error:
        raise UsageError(str(error)) from None


NO_VAULT = Vault()
"""Without a secret: it opens nothing, and says so."""
