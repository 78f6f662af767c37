"""What a server answered: read from the heads of all responses on the way to the last one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import responses
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urljoin

from opsrun.modules.base import ModuleError
from opsrun.modules.looking import Answers

_STATUS = re.compile(r"HTTP/[\d.]+ (\d{3}) ?(.*)\Z")
_TIMED_OUT = 28
"""Exit status of curl(1)."""
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer."""

    status: int
    """-1 where there was none; 0 for what has no status, as a file."""
    reason: str
    url: str
    """Where redirects led to."""
    redirected: bool
    headers: Mapping[str, str]
    """By lower-case name; several of a name are joined."""
    cookies: Mapping[str, str]
    words: str
    """Of the program, where there was no answer."""
    elapsed: int
    """Seconds."""

    @property
    def error(self) -> str:
        """Why it is none that was hoped for."""
        if self.status > 0:
            return f"HTTP Error {self.status}: {self.reason}".rstrip(": ")
        return f"Request failed: {self.words}"


def read_reply(answers: Answers, url: str) -> Reply:
    """What the script of `Asking.lines` told.

    Raises:
        ModuleError: the host has no program that can do it; says which could.
    """
    lack = answers.get("lack")
    if lack is not None:
        raise ModuleError(lack, status=-1, url=url)
    rc = answers.number("rc")
    blocks = _blocks(answers.text("head"))
    words = _plain(answers.text("words").strip()) or f"exit status {rc}"
    if answers.text("tool") == "curl" and rc == _TIMED_OUT:
        words = f"timed out: {words}"
    elapsed = answers.number("took") or 0
    if not blocks:
        return Reply(0 if rc == 0 else -1, "OK", url, False, {}, {}, words, elapsed)
    at = url
    for status, _, headers in blocks[:-1]:
        if status in _REDIRECTS and headers.get("location"):
            at = urljoin(at, headers["location"])
    status, reason, headers = blocks[-1]
    # wget ends so wherever a server says no; curl only where the answer broke off.
    broken = rc != 0 and (answers.text("tool") == "curl" or 200 <= status < 300)
    cookies: dict[str, str] = {}
    for _, _, each in blocks:
        cookies |= _cookies(each.get("set-cookie", ""))
    reason = reason or responses.get(status, "")
    told = -1 if broken else status
    return Reply(told, reason, at, at != url, headers, cookies, words, elapsed)


def _blocks(head: str) -> list[tuple[int, str, dict[str, str]]]:
    found: list[tuple[int, str, dict[str, str]]] = []
    for line in head.replace("\r", "").split("\n"):
        begin = _STATUS.match(line)
        if begin is not None:
            found.append((int(begin[1]), begin[2].strip(), {}))
            continue
        name, sign, value = line.partition(":")
        if sign and found:
            headers = found[-1][2]
            key = name.strip().lower()
            headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    # What a server says before it answers, and what a proxy says of a tunnel.
    kept = [each for each in found if each[0] >= 200]
    while len(kept) > 1 and kept[0][1].lower() == "connection established":
        del kept[0]
    return kept


def _cookies(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in re.split(r", (?=[^;,=\s]+=)", text):
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(each)
        except CookieError:
            continue
        found |= {name: morsel.value for name, morsel in jar.items()}
    return found


def _plain(words: str) -> str:
    """The line that says why: curl explains itself on further ones, wget says much before it."""
    lines = words.split("\n")
    for line in lines:
        if line.startswith(("curl: (", "wget: ")):
            return re.sub(r"^(curl: \(\d+\) |wget: )", "", line)
    return " ".join(lines[-2:])
