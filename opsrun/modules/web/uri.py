"""uri: a request to a server, and what it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from email.message import Message
from typing import Any
from urllib.parse import urljoin

from opsrun.modules.base import Context, ModuleError, ModuleResult, Steps
from opsrun.modules.local import content_of, found_file
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.permissions import described
from opsrun.modules.placing import SURROUNDINGS
from opsrun.modules.refusing import explained
from opsrun.modules.requests import Request, Run
from opsrun.modules.web.answering import Reply, read_reply
from opsrun.modules.web.asking import Asking, shown
from opsrun.modules.web.bodies import encoded
from opsrun.modules.web.options import WebModule
from opsrun.modules.web.placing import GOOD, Put
from opsrun.modules.wording import glob_word, path_word
from opsrun.remote.command import CommandResult

LIMIT = 64 * 1024 * 1024
"""Bytes of an answer that still goes into a variable."""

_CONTENT = b"content\0\0"
_JSON = re.compile(r"(application|text)/([\w.+-]+\+)?json\b|application/javascript\b")

_RULES = """\
any() { for f; do if [ -e "$f" ] || [ -h "$f" ]; then return 0; fi; done; return 1; }
"""


_TELL = r"""\
code=$(tr -d '\r' <"$work/head" | sed -n 's,^HTTP/[0-9.]* \([0-9][0-9][0-9]\).*,\1,p' | tail -n 1)
case $code in 2?? | '') ;; *) keep=y ;; esac
if [ -z "$keep" ] && grep -qiE '^content-type:.*(json|javascript)' "$work/head"; then keep=y; fi
say content ""
[ -z "$keep" ] || cat "$work/out"
"""


@module("uri", exclusive=[("body", "src")])
class Uri(WebModule):
    """Ask a server from the host, with curl or wget; what it answers is the result."""

    checks = False

    method: str = option("GET", doc="GET, POST, PUT, DELETE … of HTTP.")
    body: Any = option(doc="What is sent along.")
    body_format: str = option(
        "raw",
        choices=("form-urlencoded", "json", "raw", "form-multipart"),
        doc="The form that data in body is sent in; sets Content-Type.",
    )
    src: str | None = option(kind="path", doc="A file that is sent along.")
    remote_src: bool = option(False, doc="Whether src is on the host.")
    status_code: list[int] = option((200,), elements="int", doc="Answers that are no failure.")
    return_content: bool = option(False, doc="Whether the result has the answer as ``content``.")
    dest: str | None = option(kind="path", doc="Where the answer is put, on the host.")
    follow_redirects: str = option(
        "safe",
        choices=("all", "no", "none", "safe", "urllib2", "yes"),
        doc="``safe`` follows where GET and HEAD are sent, ``all`` always, ``none`` never.",
    )
    creates: str | None = option(kind="path", doc="Not asked where this path or pattern exists.")
    removes: str | None = option(kind="path", doc="Asked only where this path or pattern exists.")
    timeout: int = option(30, doc="Seconds that the server may be silent.")
    force: bool = option(False, doc="Whether caches on the way are told to ask again.")
    ca_path: str | None = option(kind="path", doc="PEM file on the host: whom to believe.")
    unix_socket: str | None = option(kind="path", doc="A socket on the host to ask; wants curl.")
    url_username: str | None = option(aliases=("user",), doc="Name that the server knows.")
    url_password: str | None = option(
        aliases=("password",), secret=True, doc="Password; never an argument of a program there."
    )

    def steps(self, context: Context) -> Steps:
        """One script; with ``dest``, what is there is looked at first."""
        asking = self._asking(context)
        put = None
        if self.dest is not None:
            put = yield from self._put(self.dest)
        quiet = put is None and asking.method in ("GET", "HEAD", "OPTIONS")
        answer = yield Run(
            "".join(self._script(asking, put)),
            asking.data,
            effect="reads" if quiet else "changes",
            environment=True,
            cap=LIMIT,
        )
        result, told = self._result(answer, put)
        if put is None or told.get("rule") is not None:
            return result
        return (yield from put.righted(result, told, self.wish.asking(), check=False))

    def _asking(self, context: Context) -> Asking:
        method = self.method.upper()
        body: bytes | None = None
        extra: dict[str, str] = {}
        if self.body is not None:
            body, extra = encoded(self.body, self.body_format, lambda name: _read(name, context))
        if self.src is not None and not self.remote_src:
            body = _read(self.src, context)
        if self.force:
            extra["Cache-Control"] = "no-cache"
        safe = method in ("GET", "HEAD")
        follow = self.follow_redirects in ("all", "yes", "urllib2")
        return self.asking(
            self.url,
            extra=extra,
            method=method,
            body=body,
            src=self.src if self.src and self.remote_src else "",
            follow=follow or (self.follow_redirects == "safe" and safe),
            username=self.url_username or "",
            password=self.url_password or "",
            timeout=self.timeout,
            ca_path=self.ca_path or "",
            unix_socket=self.unix_socket or "",
        )

    def _put(self, dest: str) -> Generator[Request, Any, Put]:
        script = (
            f"{LOOK}{self.wish.asking()}path={path_word(dest)}\n{SURROUNDINGS}{self.wish.script()}"
            'at dest "$path" -L\n'
        )
        answers = Answers((yield Run(script, effect="reads")))
        seen = answers.seen("dest", lenient=True)
        return Put(seen.path, seen, self.wish.resolved(answers), unsafe=self.unsafe_writes)

    def _script(self, asking: Asking, put: Put | None) -> Iterator[str]:
        yield f"{LOOK}{self.wish.asking()}{_RULES}IFS=\n"
        if self.creates is not None:
            yield f"if any {glob_word(self.creates)}; then say rule creates; exit 0; fi\n"
        if self.removes is not None:
            yield f"any {glob_word(self.removes)} || {{ say rule removes; exit 0; }}\n"
        yield "unset IFS\n"
        yield from asking.lines()
        # A file is put in its place before its content is told, and told even if it is not put.
        if put is not None:
            yield f"good={self._good!r}\nput() {{ (\n{GOOD}"
            yield from put.lines()
            yield ") }\nput\n"
        yield f"keep={'y' if self.return_content else ''}\n{_TELL}"

    @property
    def _good(self) -> str:
        return " ".join(map(str, self.status_code))

    def _result(self, answer: CommandResult, put: Put | None) -> tuple[ModuleResult, Answers]:
        head, found, content = answer.stdout.partition(_CONTENT)
        if answer.truncated:
            raise ModuleError(f"the answer has more than {LIMIT >> 20} MiB: give it a dest")
        answers = Answers(replace(answer, stdout=head if found else answer.stdout))
        rule = answers.get("rule")
        if rule is not None:
            return self._unneeded(rule), answers
        reply = read_reply(answers, shown(self.url))
        data = self._told(reply, content)
        changed = False
        if put is not None:
            data["path"] = answers.get("file") or put.path
            if answers.get("stop") is not None:
                msg = explained(answers.text("stop"))
                return ModuleResult(failed=True, msg=msg, data=data), answers
            if answers.get("after") is not None:
                data |= described(answers.seen("after"))
                changed = answers.get("same") is None or answers.get("righted") is not None
        return self._judged(reply, changed, data, content), answers

    def _judged(
        self, reply: Reply, changed: bool, data: dict[str, Any], content: bytes
    ) -> ModuleResult:
        """By the status that was wanted."""
        if (reply.status or 200) not in self.status_code:
            known = ", ".join(map(str, self.status_code))
            msg = f"Status code was {reply.status} and not [{known}]: {reply.error}"
            return ModuleResult(changed, failed=True, msg=msg, data=data)
        length = reply.headers.get("content-length", "unknown")
        fine = reply.status == 0 or 200 <= reply.status < 300
        msg = f"OK ({length} bytes)" if fine else reply.error
        if not fine and reply.status > 0:
            kind = reply.headers.get("content-type", "")
            data["body"] = content.decode(_charset(kind), "replace")
        return ModuleResult(changed, msg=msg, data=data)

    def _told(self, reply: Reply, content: bytes) -> dict[str, Any]:
        kind = reply.headers.get("content-type", "")
        text = content.decode(_charset(kind), "replace")
        fine = 200 <= reply.status < 300
        names = {"redirected": reply.redirected, "url": reply.url, "status": reply.status or None}
        data = {key.replace("-", "_"): value for key, value in reply.headers.items()} | names
        data["elapsed"] = reply.elapsed
        if "location" in reply.headers:
            data["location"] = urljoin(reply.url, reply.headers["location"])
        if fine:
            pairs = reply.cookies.items()
            data |= {
                "cookies": dict(pairs),
                "cookies_string": "; ".join(f"{name}={value}" for name, value in pairs),
            }
        if self.return_content:
            data["content"] = text
        if _JSON.match(kind) and content:
            with suppress(ValueError):
                data["json"] = json.loads(text)
        return data

    def _unneeded(self, rule: str) -> ModuleResult:
        path, is_it = (
            (self.creates, "exists") if rule == "creates" else (self.removes, "does not exist")
        )
        return ModuleResult(data={"stdout": f"skipped, since '{path}' {is_it}"})


def _read(name: str, context: Context) -> bytes:
    return b"".join(content_of(found_file(name, "files", context), context).chunks())


def _charset(kind: str) -> str:
    message = Message()
    message["Content-Type"] = kind or "text/plain"
    name = message.get_content_charset("utf-8")
    try:
        "".encode(name)
    except LookupError:
        return "utf-8"
    return name
