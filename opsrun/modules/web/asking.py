"""One request over HTTP as a script: for curl(1), GNU wget, or busybox's wget where that can do it.

What is secret in a request (names, passwords, headers, the address, the body) reaches the host on
the script's standard input, and the program on its own, or in a file that is ours alone: never as
an argument, which everybody on the host can read.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from opsrun.modules.base import ModuleError
from opsrun.modules.packages import holding
from opsrun.modules.wording import path_word, word

_METHOD = re.compile(r"[A-Z][A-Z-]*\Z")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_BREAK = re.compile(r"[\r\n\0]")
_SCHEMES = ("http", "https", "ftp", "file")

_TAKE = r"""
LC_ALL=C
export LC_ALL
umask 077
[ -d "$top" ] || { say lack "$top directory does not exist." path "$top"; exit 0; }
work=$(mktemp -d "$top/.opsrun-XXXXXX" 2>/dev/null) || {
  work=$top/.opsrun-$$
  mkdir -- "$work" || exit
}
part=
# `at` has names of its own for what it looks at: none of them may be cleared away.
trap 'rm -rf -- "$work" ${part:+"$part"}' EXIT
trap 'exit 143' HUP INT TERM
c=$(dd bs=1 count="$nc" 2>/dev/null)
dd bs=1 count="$nw" >"$work/rc" 2>/dev/null
dd bs=1 count="$nu" >"$work/url" 2>/dev/null
cat >"$work/body" || exit
for f in head out err; do : >"$work/$f"; done
"""
"""Wants ``top``, a directory, and the numbers of bytes of what comes: for curl, for wget, URL."""

_ASK = r"""
lack() { say lack "$1"; exit 0; }
file=$body
[ -z "$file" ] || file=$work/body
if [ -n "$src" ]; then
  [ -r "$src" ] && [ ! -d "$src" ] || lack "$src on the host can't be read"
  file=$src
fi
from=$(date +%s)
rc=0
if [ -n "$local" ]; then
  say tool cat
  cat <"$local" >"$work/out" 2>"$work/err" || rc=$?
elif command -v curl >/dev/null 2>&1; then
  say tool curl
  curl -q -K - -sS -o "$work/out" -D "$work/head" ${file:+--data-binary "@$file"} \
    ${ca:+--cacert "$ca"} ${cert:+--cert "$cert"} ${key:+--key "$key"} \
    ${socket:+--unix-socket "$socket"} 2>"$work/err" <<END || rc=$?
$c
END
elif ! command -v wget >/dev/null 2>&1; then
  lack 'there is neither curl nor wget on the host (BOTH)'
elif wget --help 2>&1 | grep -q -e --content-on-error; then
  say tool wget
  [ -z "$only_curl" ] || lack "$only_curl: wget can't do that; curl can (CURL)"
  wget --config="$work/rc" -i "$work/url" -O "$work/out" -nv -S -o "$work/err" \
    --content-on-error --tries=1 --no-hsts --no-http-keep-alive ${file:+--body-file="$file"} \
    ${ca:+--ca-certificate="$ca"} ${cert:+--certificate="$cert"} ${key:+--private-key="$key"} \
    </dev/null || rc=$?
  sed -n 's/^  *//p' "$work/err" >"$work/head"
else
  say tool busybox
  only=$only_curl${only_curl:+${only_full:+, }}$only_full
  [ -z "$only" ] || lack "$only: this wget can't do that; curl can (CURL)"
  get() {
    rc=0
    wget -S -O "$work/out" "$@" -U "$agent" -Y "$proxy" ${insecure:+"$insecure"} \
      ${since:+--header "$since"} "$(cat "$work/url")" 2>"$work/err" >/dev/null || rc=$?
  }
  { get -T "$timeout"; } 2>/dev/null
  # A static one may crash over its own alarm clock.
  [ "$rc" -lt 128 ] || get
  sed -n 's/^  *//p; s/^wget: server returned error: //p' "$work/err" >"$work/head"
fi
say rc "$rc" took "$(($(date +%s) - from))"
say words "$(grep -v '^  ' "$work/err" | tail -n 9)"
if [ -n "$gzip" ] &&
  tr -d '\r' <"$work/head" | tail -n 40 | grep -qi '^content-encoding: *x*-*gzip$'; then
  if gzip -dc <"$work/out" >"$work/flat" 2>/dev/null; then mv -f -- "$work/flat" "$work/out"; fi
fi
say head "$(cat "$work/head")"
""".replace("BOTH", holding("curl", "wget")).replace("CURL", holding("curl"))


@dataclass(frozen=True, slots=True)
class Asking:
    """A request.

    Raises:
        ModuleError: it is none that can be sent.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    src: str = ""
    """A file of the host's that is the body."""
    username: str = ""
    password: str = ""
    basic: bool = False
    """The name is sent at once, and not only when the server asks for it."""
    agent: str = "ansible-httpget"
    timeout: int = 10
    """Seconds without a byte."""
    follow: bool = True
    validate: bool = True
    """Whether certificates are looked at."""
    proxy: bool = True
    netrc: bool = True
    decompress: bool = True
    ciphers: str = ""
    ca_path: str = ""
    client_cert: str = ""
    client_key: str = ""
    unix_socket: str = ""
    since: str = ""
    """A date as HTTP writes it: nothing is sent that is older."""

    def __post_init__(self) -> None:
        parts = split(self.url)
        if not _METHOD.match(self.method):
            raise ModuleError(f"{self.method!r} is no method of HTTP")
        for name, value in self.headers.items():
            if not _HEADER.match(name) or _BREAK.search(value):
                raise ModuleError(f"{name!r} is no header that can be sent")
        if any(map(_BREAK.search, (self.username, self.password, self.agent, self.ciphers))):
            raise ModuleError("there can't be a line break in a name, a password or http_agent")
        if parts.scheme == "file" and self.method != "GET":
            raise ModuleError(f"{self.method} means nothing to a file: URL")

    @property
    def data(self) -> bytes:
        """Standard input of the script."""
        return b"".join((*self._parts, self.body or b""))

    @property
    def _parts(self) -> tuple[bytes, bytes, bytes]:
        plain = bare(self.url)
        texts = "".join(self._curl(plain)), "".join(self._wget()), plain
        curl, wget, url = (each.encode("utf-8", "surrogateescape") for each in texts)
        return curl, wget, url

    def lines(self, top: str = '"${TMPDIR:-/tmp}"') -> Iterator[str]:
        """The script, behind `looking.LOOK`; what came is then in ``$work/out``, its head told.

        Args:
            top: the directory for what is temporary, as a word of the shell.
        """
        parts = split(self.url)
        local = unquote(parts.path) if parts.scheme == "file" else ""
        curl, wget, url = map(len, self._parts)
        yield f"top={top}\nnc={curl}\nnw={wget}\nnu={url}{_TAKE}"
        yield f"local={word(local)}\nbody={'y' if self.body is not None else ''}\n"
        yield f"src={path_word(self.src)}\nca={path_word(self.ca_path)}\n"
        yield f"cert={path_word(self.client_cert)}\nkey={path_word(self.client_key)}\n"
        yield f"socket={path_word(self.unix_socket)}\ngzip={'y' if self.decompress else ''}\n"
        yield f"only_curl={word(', '.join(self._only_curl()))}\n"
        yield f"only_full={word(', '.join(self._only_full()))}\n"
        yield f"agent={word(self.agent)}\ntimeout={max(self.timeout, 1)}\n"
        yield f"since={word(f'If-Modified-Since: {self.since}' if self.since else '')}\n"
        yield f"proxy={'on' if self.proxy else 'off'}\n"
        yield f"insecure={'' if self.validate else '--no-check-certificate'}\n{_ASK}"

    def _all_headers(self) -> Iterator[tuple[str, str]]:
        yield from self.headers.items()
        if self.since:
            yield "If-Modified-Since", self.since

    @property
    def _typed(self) -> bool:
        return any(name.lower() == "content-type" for name in self.headers)

    @property
    def _bodied(self) -> bool:
        return self.body is not None or bool(self.src)

    def _login(self) -> tuple[str, str]:
        """Name and password: the task's, or those in the URL."""
        parts = split(self.url)
        if self.username or not parts.username:
            return self.username, self.password
        return unquote(parts.username), unquote(parts.password or "")

    def _curl(self, url: str) -> Iterator[str]:
        yield f"url = {_quoted(url)}\ngloboff\n"
        yield f"user-agent = {_quoted(self.agent)}\nconnect-timeout = {max(self.timeout, 1)}\n"
        yield f"speed-limit = 1\nspeed-time = {max(self.timeout, 1)}\n"
        for name, value in self._all_headers():
            # Without a value curl would leave the header out.
            yield f"header = {_quoted(f'{name}: {value}' if value else f'{name};')}\n"
        given = {name.lower() for name in self.headers}
        # What curl would say of itself, and a task did not ask for.
        yield from (
            f'header = "{each}:"\n' for each in ("Expect", "Accept") if each.lower() not in given
        )
        yield from self._curl_method()
        if self.follow:
            yield "location\nmax-redirs = 10\n"
        yield 'proto-redir = "=http,https,ftp"\n'
        if not self.validate:
            yield "insecure\n"
        if not self.proxy:
            yield 'noproxy = "*"\n'
        if self.ciphers:
            yield f"ciphers = {_quoted(self.ciphers)}\n"
        name, password = self._login()
        if name:
            yield f"user = {_quoted(f'{name}:{password}')}\n"
            yield "basic\n" if self.basic else "anyauth\n"
        elif self.netrc:
            yield "netrc-optional\n"

    def _curl_method(self) -> Iterator[str]:
        if self.method == "HEAD":
            yield "head\n"
        elif self.method == "POST" and not self._bodied:
            yield 'data-binary = ""\n'
            if not self._typed:
                yield 'header = "Content-Type:"\n'
        elif self.method not in ("GET", "POST") or (self.method == "GET" and self._bodied):
            yield f"request = {_quoted(self.method)}\n"

    def _wget(self) -> Iterator[str]:
        yield f"user_agent = {self.agent}\ntimeout = {max(self.timeout, 1)}\n"
        yield from (f"header = {name}: {value}\n" for name, value in self._all_headers())
        if self.method != "GET":
            yield f"method = {self.method}\n"
        if self._bodied and not self._typed:
            yield "header = Content-Type: application/x-www-form-urlencoded\n"
        yield f"max_redirect = {10 if self.follow else 0}\n"
        yield f"check_certificate = {'on' if self.validate else 'off'}\n"
        yield f"use_proxy = {'on' if self.proxy else 'off'}\n"
        yield f"netrc = {'on' if self.netrc else 'off'}\n"
        name, password = self._login()
        if name and self.basic:
            pair = base64.b64encode(f"{name}:{password}".encode()).decode()
            yield f"header = Authorization: Basic {pair}\n"
        elif name:
            yield f"user = {name}\npassword = {password}\n"

    def _only_curl(self) -> Iterator[str]:
        if self.unix_socket:
            yield "unix_socket"
        if self.ciphers:
            yield "ciphers"

    def _only_full(self) -> Iterator[str]:
        """What busybox's wget can't do, or not without showing it to everybody."""
        wants = {
            f"method {self.method}": self.method != "GET",
            "a body": self._bodied,
            "headers": bool(self.headers),
            "a user": bool(self._login()[0]),
            "a refusal to follow": not self.follow,
            "certificates of our own": bool(self.client_cert or self.ca_path),
            "looking at certificates": self.validate and split(self.url).scheme == "https",
        }
        yield from (what for what, wanted in wants.items() if wanted)


def split(url: str) -> SplitResult:
    """The parts of an address. ModuleError: it is none that can be asked."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in _SCHEMES and bool(parts.hostname or parts.scheme == "file")
        known = known and parts.port != 0
    except ValueError as error:
        raise ModuleError(f"url: {url!r}: {error}", url=url, status=-1) from error
    if not known or re.search(r"[\s\0]", url):
        hint = ", ".join(f"{each}://" for each in _SCHEMES)
        raise ModuleError(f"url: {url!r} is no address: give one of {hint}", url=url, status=-1)
    return parts


def bare(url: str) -> str:
    """An address without the name and password in it, and without a fragment."""
    parts = split(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()


def shown(url: str) -> str:
    """An address as results have it: without a password in it."""
    parts = split(url)
    if not parts.password:
        return url
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username}:********@{place}").geturl()


def _quoted(text: str) -> str:
    """For curl's configuration; see -K in curl(1)."""
    for letter, written in (("\\", "\\\\"), ('"', '\\"'), ("\t", "\\t")):
        text = text.replace(letter, written)
    return f'"{text}"'
