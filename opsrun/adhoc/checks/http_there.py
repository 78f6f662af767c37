"""A page that a host asks for, with curl(1) or wget(1)."""

from __future__ import annotations

import re
import shlex

from opsrun.adhoc.checks.base import WITHIN, Sight, last_words, not_yet
from opsrun.adhoc.checks.http_answer import BODY, Answer
from opsrun.engine.stop import Stop
from opsrun.remote.command import CommandResult

_STATUS = re.compile(rb"HTTP/[0-9.]+ ([1-5][0-9]{2})(?: ([^\r\n]*))?\r?\n")
_END = re.compile(rb"\r?\n\r?\n")
"""Of a header."""

_NO_TOOL = 96
_NO_VERIFICATION = 97
"""Exit statuses of ours; neither tool has them."""

_ERROR = re.compile(
    r"^(?:curl: )?.*(?:error|failed|problem|refused|unable|timed out|can't).*", re.I
)
"""A line that says what went wrong; what to read about it follows in others."""

# The first line says whose words follow: curl's begin with the header, wget's are the body alone,
# and the header comes on standard error.
_SCRIPT = """
if command -v curl >/dev/null 2>&1; then
  echo curl
  curl -gsS -i --noproxy '*' --max-time {seconds} {curl} -- {url} | head -c {cap}
elif command -v wget >/dev/null 2>&1; then
  case $(wget --version 2>/dev/null) in
  GNU*) set -- -nv --tries=1 --max-redirect=0 --content-on-error --no-proxy --no-hsts ;;
  *) [ -z '{strict}' ] || exit {no_verification}
     set -- -q -Y off ;;
  esac
  echo wget
  wget "$@" -S -O - -T {seconds} {wget} -- {url} | head -c {cap}
else
  exit {no_tool}
fi
"""


def ask(url: str, sight: Sight, stop: Stop, *, insecure: bool, body: bool) -> Answer:
    """Have the host GET a page.

    Raises:
        HostError: it has neither tool, or got no answer.
    """
    https = url.startswith("https:")
    script = _SCRIPT.format(
        url=shlex.quote(url),
        seconds=int(WITHIN) - 1,
        cap=65_536 + (BODY if body else 0),
        curl="-k" if https and insecure else "",
        wget="--no-check-certificate" if https and insecure else "",
        strict="yes" if https and not insecure else "",
        no_tool=_NO_TOOL,
        no_verification=_NO_VERIFICATION,
    )
    ended = sight.run(script, stop)
    if ended.rc == _NO_TOOL:
        raise not_yet(sight.host, "it has neither curl nor wget to ask with")
    if ended.rc == _NO_VERIFICATION:
        words = "its wget can't verify certificates: it needs curl or GNU wget, or say insecure"
        raise not_yet(sight.host, words)
    return _answer(ended, sight.host)


def _answer(ended: CommandResult, host: str) -> Answer:
    tool, _, rest = ended.stdout.partition(b"\n")
    while tool == b"curl" and (found := _STATUS.match(rest)) and (end := _END.search(rest)):
        rest = rest[end.end() :]
        if not found[1].startswith(b"1"):
            return _made(found, rest)
    told = _STATUS.search(ended.stderr + b"\n") if tool == b"wget" else None
    if told is None:
        raise not_yet(host, _what_went_wrong(ended))
    return _made(told, rest)


def _what_went_wrong(ended: CommandResult) -> str:
    lines = ended.stderr.decode(errors="replace").splitlines()
    telling = [line.strip() for line in lines if _ERROR.match(line)]
    words = telling[0] if telling else last_words(ended.stderr)
    return words[:200] or "it got no answer"


def _made(found: re.Match[bytes], body: bytes) -> Answer:
    reason = (found[2] or b"").decode(errors="replace").strip()
    return Answer(int(found[1]), reason, body[:BODY], len(body) > BODY)
