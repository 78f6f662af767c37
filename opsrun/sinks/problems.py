"""What went wrong, collected over a run and told once for all hosts that it happened to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from opsrun.events import Outcome, Result, Summary
from opsrun.sinks.cells import cut
from opsrun.sinks.lines import lines_of
from opsrun.sinks.names import fold, label
from opsrun.sinks.style import DIM, RED, YELLOW, duration, outcome_word, paint
from opsrun.views.sanitise import sanitise_line

TAIL_LINES = 3
_TAIL_BYTES = 2048
_TAIL_COLUMNS = 300
_ENDINGS = 3
"""So many different last words are shown of hosts that failed for the same reason."""
_PROCESSES = 8
"""So many processes of a host are named."""
_ORDER = (Outcome.FAILED, Outcome.UNREACHABLE, Outcome.LOST)
_HOST = "<host>"
_OWN = (
    (re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)"), "<address>"),
    (
        re.compile(
            r"(?<![\w:])(?=[\da-f]*:[\da-f]*:[\da-f:]*[\da-f])[\da-f:]*[\da-f](?!\w|:[\w:])"
        ),
        "<address>",
    ),
    (re.compile(r"SHA256:[\w+/]{43}"), "<fingerprint>"),
    (
        re.compile(
            r"(?<=this may still be running: )[0-9].*?"
            r"(?= \((?:silent|running) for [0-9.]+ s\)\Z|\Z)"
        ),
        "<…>",
    ),
    (re.compile(r"(?:(?<=\(silent for )|(?<=\(running for ))[0-9.]+ s(?=\)\Z)"), "<time>"),
)
"""What a host has for itself beside its name: IPv4 and IPv6 addresses, key, processes, times."""


def reason(result: Result) -> str:
    """Why a host did not end well, in a few words and without its name."""
    if result.error and result.outcome is Outcome.CANCELLED:
        return result.error.message  # a phase would look like what it failed in
    if result.error:
        return f"{result.error.phase}: {result.error.message}"
    if result.signal:
        return f"killed by SIG{result.signal}"
    if result.rc is not None:
        return f"exit status {result.rc}"
    return ""


def ended(result: Result, color: bool = False) -> str:
    """The outcome with its reason: ``failed: exit status 2``."""
    why = sanitise_line(reason(result))
    return outcome_word(result.outcome, color) + (f": {why}" if why else "")


def last_lines(data: bytes, count: int = TAIL_LINES) -> tuple[str, ...]:
    """The last lines of an output that hold anything, fit for a terminal."""
    lines = [line.text() for line in lines_of(data[-_TAIL_BYTES:])]
    whole = lines[1:] if len(data) > _TAIL_BYTES and len(lines) > 1 else lines
    return tuple([cut(line, _TAIL_COLUMNS) for line in whole if line.strip()][-count:])


@dataclass(frozen=True, slots=True)
class Problem:
    """One host that did not end well; a few words of it, whatever it wrote."""

    host: str
    outcome: Outcome
    reason: str
    hint: str
    tail: tuple[str, ...]
    left: tuple[str, ...] = ()
    """Processes that go on there though they were told to end."""

    def masked(self, text: str) -> str:
        """``text`` without the host's own name, so that equal complaints become equal."""
        return mask(text, self.host)

    def general(self, text: str) -> str:
        """Words of ours without name, address and key of the host.

        Not for what the host wrote itself: the addresses there may be what is wrong.
        """
        text = self.masked(text)
        for pattern, word in _OWN:
            text = pattern.sub(word, text)
        return text


class Problems:
    """Collects results that are not good, and renders them in groups at the end.

    Args:
        tails: show the last lines of standard error, for outputs that don't show all of it.
    """

    def __init__(self, *, color: bool, tails: bool) -> None:
        self._color = color
        self._tails = tails
        self._found: list[Problem] = []
        self._cancelled: list[tuple[str, bool, str]] = []
        self._left: dict[str, tuple[str, ...]] = {}

    def add(self, result: Result) -> None:
        """Keep what is needed of a result that is not good; any other is ignored."""
        left = _names(result.data.get("left"))
        if result.outcome is Outcome.CANCELLED:
            if left:
                self._left[result.host] = left
            words = result.error.message if result.error else ""
            may_run = bool(result.data.get("may_still_run"))
            self._cancelled.append((result.host, may_run, words))
        elif not result.outcome.is_good:
            tail = last_lines(result.stderr) if self._tails else ()
            hint = result.error.hint if result.error else ""
            problem = Problem(result.host, result.outcome, reason(result), hint, tail, left)
            self._found.append(problem)

    def render(self, interrupted: bool) -> Iterator[str]:
        """The lines, without their ends: failures in groups, then whoever was not finished."""
        for group in _groups(self._found):
            yield from self._group(group)
        if self._cancelled or interrupted:
            yield self._unfinished(interrupted)
            yield from _processes(self._left)

    def _group(self, group: list[Problem]) -> Iterator[str]:
        first = group[0]
        why = sanitise_line(_common([p.reason for p in group], first.general))
        word = outcome_word(first.outcome, self._color)
        yield f"{word} {label(p.host for p in group)}" + (f": {why}" if why else "")
        yield from _processes({p.host: p.left for p in group if p.left} if group[1:] else {})
        yield from self._endings(group)
        hint = sanitise_line(_common([p.hint for p in group], first.general))
        if hint:
            yield paint(f"    -> {hint}", DIM, self._color)

    def _endings(self, group: list[Problem]) -> Iterator[str]:
        mark = paint("!", RED, self._color)
        endings = _by_tail(group)
        for same in endings[:_ENDINGS]:
            tails = ["\n".join(p.tail) for p in same]
            if len(endings) > 1:
                yield f"    {label(p.host for p in same)}"
            yield from (f"    {mark} {line}" for line in _common(tails, same[0].masked).split("\n"))
        if len(endings) > _ENDINGS:
            yield f"    … and {len(endings) - _ENDINGS} other endings"

    def _unfinished(self, interrupted: bool) -> str:
        head = paint("interrupted" if interrupted else "stopped early", YELLOW, self._color)
        if not self._cancelled:
            return f"{head}; every host was finished"
        reasons = {words for _, _, words in self._cancelled}
        why = f": {sanitise_line(reasons.pop())}" if len(reasons) == 1 and not interrupted else ""
        running = [host for host, may_run, _ in self._cancelled if may_run]
        perhaps = f" (perhaps still running: {fold(running)})" if running else ""
        return f"{head}; not finished: {fold(h for h, _, _ in self._cancelled)}{perhaps}{why}"


def _processes(left: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """What goes on where, so that somebody can end it."""
    for host, processes in list(left.items())[:_ENDINGS]:
        names = sanitise_line(", ".join(processes[:_PROCESSES]))
        more = f", +{len(processes) - _PROCESSES} more" if len(processes) > _PROCESSES else ""
        yield f"    still there on {sanitise_line(host)}: {names}{more}"
    if len(left) > _ENDINGS:
        yield f"    … and on {len(left) - _ENDINGS} other hosts"


def _names(left: object) -> tuple[str, ...]:
    """Of processes; what modules put into their results under the same name is theirs."""
    return tuple(map(str, left)) if isinstance(left, list | tuple) else ()


def _groups(found: Iterable[Problem]) -> list[list[Problem]]:
    groups: dict[tuple[Outcome, str, str], list[Problem]] = defaultdict(list)
    for problem in found:
        key = (problem.outcome, problem.general(problem.reason), problem.general(problem.hint))
        groups[key].append(problem)
    return sorted(groups.values(), key=lambda g: (_ORDER.index(g[0].outcome), -len(g)))


def _by_tail(group: Iterable[Problem]) -> list[list[Problem]]:
    endings: dict[str, list[Problem]] = defaultdict(list)
    for problem in group:
        if problem.tail:
            endings[problem.masked("\n".join(problem.tail))].append(problem)
    return sorted(endings.values(), key=len, reverse=True)


def _common(texts: list[str], masked: Callable[[str], str]) -> str:
    """What all of a group say: in their own words if these are equal, else the first, masked."""
    return texts[0] if len(set(texts)) == 1 else masked(texts[0])


def mask(text: str, host: str) -> str:
    """Replace ``host`` where it stands as a word of its own."""
    if not host or host not in text:
        return text
    return _word(host).sub(_HOST, text)


@lru_cache(maxsize=16_384)
def _word(host: str) -> re.Pattern[str]:
    """More of them than re keeps: making one takes longer than using it."""
    return re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-])")


def summary_line(summary: Summary, color: bool) -> str:
    """``ok 18 · failed 1 · unreachable 1 · 2.3 s``."""
    counts: Mapping[Outcome, int] = summary.counts
    words = [
        f"{outcome_word(outcome, color)} {counts[outcome]}"
        for outcome in Outcome
        if counts.get(outcome)
    ]
    return " · ".join([*(words or ["no hosts"]), duration(summary.duration)])
