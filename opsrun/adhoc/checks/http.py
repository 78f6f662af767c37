"""``http://`` and ``https://``: a page, with the status and the text that it ought to have.

From this machine, over a connection that is dialled here; or ``from=host``, by curl or wget there.
Redirections are not followed: one of them is an answer, too. Proxies are not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from urllib.parse import SplitResult, urlsplit

from opsrun.adhoc.checks.base import Attempt, Sight, not_yet, wrong
from opsrun.adhoc.checks.http_answer import USUAL, Answer, Statuses
from opsrun.engine.stop import Stop
from opsrun.errors import UsageError, did_you_mean

HOST = "{host}"
"""Stands in a URL for the address of the host that waits."""

_OPTIONS = ("status", "body", "insecure", "from")


@dataclass(frozen=True, slots=True)
class PageCheck:
    """Passes when a GET is answered as it ought to be."""

    url: str
    statuses: Statuses = USUAL
    body: str = ""
    """A regular expression (Python's) that the body has to hold a match of; empty for any body."""
    insecure: bool = False
    """The server's certificate is not looked at."""
    from_host: bool = False
    """The host that waits asks, in place of this machine."""
    text: str = ""
    pattern = None

    @property
    def is_shared(self) -> bool:
        """See `Check.is_shared`."""
        return not self.from_host and HOST not in self.url

    @property
    def needs_shell(self) -> bool:
        """See `Check.needs_shell`."""
        return self.from_host

    def attempts(self, sight: Sight) -> Attempt:
        """See `Check.attempts`."""
        return partial(self._look, sight)

    def _look(self, sight: Sight, stop: Stop) -> None:
        answer = self._ask(sight, stop)
        if not self.statuses.take(answer.status):
            raise not_yet(sight.host, f"status {answer.status} {answer.reason}".rstrip())
        if self.body and not re.search(self.body, answer.text()):
            part = ", as far as it was read" if answer.cut_short else ""
            raise not_yet(sight.host, f"status {answer.status}, and no {self.body!r} in it{part}")

    def _ask(self, sight: Sight, stop: Stop) -> Answer:
        address = sight.address() if HOST in self.url else ""
        url = self.url.replace(HOST, f"[{address}]" if ":" in address else address)
        if self.from_host:
            from opsrun.adhoc.checks.http_there import ask
        else:
            from opsrun.adhoc.checks.http_here import ask
        return ask(url, sight, stop, insecure=self.insecure, body=bool(self.body))

    def __str__(self) -> str:
        return self.text


def parse_page(text: str) -> PageCheck:
    """Read a URL and the options behind it, which spaces separate.

    Raises:
        UsageError: the URL can't be asked for, or an option can't be used.
    """
    url, *options = text.split()
    given: dict[str, str] = {}
    for option in options:
        name, _, value = option.partition("=")
        if name not in _OPTIONS:
            hint = did_you_mean(name, _OPTIONS)
            known = "status=, body=, insecure, from=host"
            raise UsageError(f"can't wait for {text!r}: no option {option!r}; known: {known}{hint}")
        if name in given:
            raise UsageError(f"can't wait for {text!r}: {name} is given twice")
        given[name] = value
    _check_url(text, url)
    _check_options(text, given, options)
    return PageCheck(
        url,
        Statuses.parse(text, given["status"]) if "status" in given else USUAL,
        given.get("body", ""),
        "insecure" in given,
        "from" in given,
        text,
    )


def _check_url(text: str, url: str) -> None:
    try:
        parts = urlsplit(url.replace(HOST, "h"))
        port_is_good = parts.port is None or parts.port > 0
    except ValueError as error:
        raise UsageError(f"can't wait for {text!r}: {error}") from None
    if not parts.hostname or not port_is_good:
        raise wrong(text, "a host, and then perhaps a port and a path, in the URL")
    if "{" in parts.netloc:
        raise UsageError(
            f"can't wait for {text!r}: in the name of its host only {HOST} is filled in"
        )
    if parts.username is not None:
        raise UsageError(f"can't wait for {_without_user(parts)!r}: a URL here takes no password")
    if not url.isascii() or not url.isprintable():
        raise UsageError(f"can't wait for {text!r}: write other than ASCII characters as %XX")


def _without_user(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _check_options(text: str, given: dict[str, str], options: list[str]) -> None:
    if "insecure" in given and "insecure" not in options:
        raise wrong(text, "insecure without a value")
    if "insecure" in given and not text.startswith("https:"):
        raise UsageError(f"can't wait for {text!r}: only https has a certificate to look away from")
    if given.get("from", "host") != "host":
        raise wrong(text, "from=host; without it this machine asks")
    if "body" in given:
        if not given["body"]:
            raise wrong(text, "a regular expression behind body=")
        try:
            re.compile(given["body"])
        except re.error as error:
            raise UsageError(f"can't wait for {text!r}: body={given['body']}: {error}") from None
