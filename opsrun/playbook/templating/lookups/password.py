"""Passwords that are made once and kept in files."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import string
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.playbook.templating.filters.passwords import password_hash, random_salt
from opsrun.playbook.templating.library import LookupRun, PluginError
from opsrun.playbook.templating.lookups.written import split_term

_OPTIONS = ("length", "chars", "encrypt", "ident", "seed")
_LENGTH = 20
_CHARS = ("ascii_letters", "digits", ".,:-_")
_CLASSES = (
    "ascii_letters",
    "ascii_lowercase",
    "ascii_uppercase",
    "digits",
    "hexdigits",
    "octdigits",
    "punctuation",
    "whitespace",
    "printable",
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a file holds."""

    password: str
    salt: str | None = None
    ident: str | None = None

    def written(self) -> str:
        salt = f" salt={self.salt}" if self.salt else ""
        ident = f" ident={self.ident}" if self.ident else ""
        return f"{self.password}{salt}{ident}\n"


def password(terms: list[Any], run: LookupRun, **options: Any) -> list[Any]:
    """The password that each file holds; a file that isn't there is made, with mode 0600.

    Options, here or in the term: ``length``; ``chars``, classes of Python's `string` or letters;
    ``encrypt``, a type of `password_hash`, whose result is given instead; ``ident``; ``seed``, for
    a password that is always the same. ``/dev/null`` is never written: a new one each time.
    """
    made = []
    for term in terms:
        path, own = split_term(term, _OPTIONS)
        given = _checked({**options, **own, **_chars(own)})
        kept = _kept(os.path.join(run.context.basedir, os.path.expanduser(path)), given)
        made.append(_result(kept, given.get("encrypt")))
    return made


def _chars(own: dict[str, str]) -> dict[str, Any]:
    """In a term two commas stand for the comma itself."""
    written = own.get("chars", "")
    return {"chars": [",", *written.replace(",,", ",").split(",")]} if ",," in written else {}


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    unknown = set(options) - set(_OPTIONS)
    if unknown:
        raise PluginError(f"unknown option {min(unknown)!r}: there are {', '.join(_OPTIONS)}")
    return {name: value for name, value in options.items() if value is not None}


def _result(kept: _Kept, encrypt: str | None) -> str:
    if not encrypt:
        return kept.password
    return password_hash(kept.password, encrypt, salt=kept.salt, ident=kept.ident)


def _kept(path: str, options: dict[str, Any]) -> _Kept:
    if path == os.devnull:
        return _complete(_Kept(_new(options)), options)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with _alone(os.path.dirname(path)):
            known = _read(path)
            kept = _complete(known or _Kept(_new(options)), options)
            if kept != known:
                _write(path, kept.written())
            return kept
    except OSError as error:
        raise PluginError(f"{path}: {error.strerror}") from error


@contextlib.contextmanager
def _alone(folder: str) -> Iterator[None]:
    """One process and thread at a time makes passwords in a folder: two that find no file must
    not give two passwords. Nothing inside waits for anything else."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _complete(kept: _Kept, options: dict[str, Any]) -> _Kept:
    encrypt = options.get("encrypt")
    if not encrypt:
        return kept
    ident = kept.ident or options.get("ident") or ("2b" if encrypt in _BCRYPT else None)
    return _Kept(kept.password, kept.salt or _fresh_salt(encrypt), ident)


_BCRYPT = ("bcrypt", "blowfish")


def _fresh_salt(encrypt: str) -> str:
    try:
        return random_salt(encrypt)
    except KeyError as error:
        raise PluginError(f"encrypt is a type of password_hash, not {encrypt!r}") from error


def _read(path: str) -> _Kept | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read().rstrip("\n")
    except FileNotFoundError:
        return None
    rest, _, ident = text.partition(" ident=") if " salt=" in text else (text, "", "")
    secret, _, salt = rest.rpartition(" salt=") if " salt=" in rest else (rest, "", "")
    return _Kept(secret, salt or None, ident or None)


def _write(path: str, text: str) -> None:
    # mkstemp gives mode 0600; a reader sees the whole file or none.
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".password-")
    try:
        with open(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _new(options: dict[str, Any]) -> str:
    letters = _letters(options.get("chars"))
    seed = options.get("seed")
    source = random.SystemRandom() if seed is None else random.Random(str(seed))
    try:
        length = int(options.get("length", _LENGTH))
    except (TypeError, ValueError) as error:
        raise PluginError(f"length is a number, not {options['length']!r}") from error
    return "".join(source.choice(letters) for _ in range(length))


def _letters(written: Any) -> str:
    classes: Sequence[Any] = _CHARS
    if isinstance(written, str):
        classes = written.split(",")
    elif written is not None:
        classes = written
    found = (getattr(string, each) if each in _CLASSES else each for each in classes if each)
    letters = "".join(found).replace('"', "").replace("'", "")
    if not letters:
        raise PluginError(f"chars {written!r} leaves no letters to choose from")
    return letters


LOOKUPS: dict[str, Callable[..., Any]] = {"password": password}
