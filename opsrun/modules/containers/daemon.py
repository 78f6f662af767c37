"""How modules speak with the daemon: docker(1), and how it is told where the daemon is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Module, ModuleError
from opsrun.modules.looking import LOOK
from opsrun.modules.options import option
from opsrun.modules.users.entries import TOOLS
from opsrun.modules.wording import path_word, word

_ASK = r"""
has docker || lack docker
ask() {
  k=$1
  shift
  if o=$("$@" 2>/dev/null </dev/null); then
    say "$k" "$o"
  else
    e=$("$@" 2>&1 >/dev/null </dev/null)
    case $e in
      *[Nn]'o such '* | *' not found') ;;
      *) printf '%s\n' "$e" >&2; exit 1 ;;
    esac
  fi
}
"""
"""``ask KEY COMMAND…`` says what a command prints, unless it says that there is no such thing; any
other complaint is an error."""

LOOKING = f"{LOOK}{TOOLS}{_ASK}"
DOING = f"{TOOLS}has docker || lack docker\n"


@dataclass(frozen=True, kw_only=True)
class Daemon(Module):
    """The options of all these modules."""

    docker_host: str | None = option(
        aliases=("docker_url",),
        doc="Where the daemon listens, as a URL; the environment's ``DOCKER_HOST`` if not given.",
    )
    tls: bool = option(False, doc="Whether TLS is spoken with it.")
    validate_certs: bool = option(
        False, aliases=("tls_verify",), doc="Whether its certificate is looked at."
    )
    ca_path: str | None = option(
        kind="path", aliases=("ca_cert", "tls_ca_cert", "cacert_path"), doc="Who vouches for it."
    )
    client_cert: str | None = option(
        kind="path", aliases=("tls_client_cert", "cert_path"), doc="Our certificate."
    )
    client_key: str | None = option(
        kind="path", aliases=("tls_client_key", "key_path"), doc="Our key."
    )

    def docker(self, *words: str) -> str:
        """A command line of docker(1): quoted, and with nothing to read."""
        return f"{self.called()} {' '.join(map(word, words))}"

    def called(self) -> str:
        """The program, and where it finds the daemon."""
        return " ".join(["docker", *self._where()])

    def _where(self) -> Iterator[str]:
        if self.docker_host:
            yield f"-H {word(self.docker_host)}"
        if self.validate_certs:
            yield "--tlsverify"
        elif self.tls:
            yield "--tls"
        paths = {"cacert": self.ca_path, "cert": self.client_cert, "key": self.client_key}
        yield from (f"--tls{name} {path_word(path)}" for name, path in paths.items() if path)


def step(command: str) -> str:
    """A line that ends the script where it fails; what it prints is not wanted."""
    return f"{command} >/dev/null </dev/null || exit\n"


def loaded(text: str | None) -> Any:
    """What ``docker inspect`` printed of one thing; None where there is none.

    Raises:
        ModuleError: it is no JSON.
    """
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ModuleError(f"docker printed no JSON: {text[:200]!r}") from error
    return found[0] if isinstance(found, list) and found else (found or None)


def texts(found: Mapping[Any, Any] | None) -> dict[str, str]:
    """A mapping of names to texts, as docker takes labels and options."""
    return {str(key): plain(value) for key, value in (found or {}).items()}


def plain(value: Any) -> str:
    """A value as docker's text; null is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def pairs(flag: str, found: Mapping[str, Any] | None) -> Iterator[str]:
    """``flag NAME=VALUE`` for each."""
    for key, value in texts(found).items():
        yield from (flag, f"{key}={value}")


def each(flag: str, values: Iterable[Any] | None) -> Iterator[str]:
    """``flag VALUE`` for each."""
    for value in values or ():
        yield from (flag, str(value))


def split_name(name: str, tag: str = "latest") -> tuple[str, str]:
    """Repository and tag, or digest, of an image.

    >>> split_name("localhost:5000/a/b")
    ('localhost:5000/a/b', 'latest')
    >>> split_name("a:1", "2")
    ('a', '1')
    >>> split_name("a@sha256:0f")
    ('a', 'sha256:0f')
    """
    if "@" in name:
        repository, _, digest = name.partition("@")
        return repository, digest
    repository, colon, found = name.rpartition(":")
    if colon and "/" not in found:
        return repository, found
    return name, tag


def full_name(name: str, tag: str = "latest") -> str:
    """The name of an image with its tag.

    >>> full_name("a"), full_name("a@sha256:0f"), full_name("a:1")
    ('a:latest', 'a@sha256:0f', 'a:1')
    """
    repository, found = split_name(name, tag)
    return f"{repository}{'@' if found.startswith('sha256:') else ':'}{found}"


def is_id(name: str) -> bool:
    """Whether that is the identity of an image, and no name."""
    bare = name.removeprefix("sha256:")
    return (
        len(bare) >= 12
        and not bare.strip("0123456789abcdef")
        and (bare is not name or len(bare) == 64)
    )
