"""``-o fold``: equal outputs once, under the hosts that share them, the largest group first.

Two hosts share a group if outcome, exit status or signal, standard output and standard error are
equal byte for byte. A body is indented, so that no output can pretend to be a heading. Standard
error goes to our standard error, under a heading of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from opsrun.events import Outcome, Result, StreamName
from opsrun.sinks.base import OutputOptions, Writer
from opsrun.sinks.difference import differences
from opsrun.sinks.lines import lines_of
from opsrun.sinks.names import label
from opsrun.sinks.style import BOLD, CYAN, DIM, GREEN, RED, outcome_word, paint
from opsrun.sinks.terminal import TerminalSink
from opsrun.sinks.transfers import body, is_transfer
from opsrun.views.sanitise import sanitise_line

INDENT = "  "
_DIFF_STYLE = {"+": GREEN, "-": RED, "@": CYAN}
_STREAMS: tuple[StreamName, ...] = ("stdout", "stderr")
_Key = tuple[Outcome, int | None, str | None, bytes, bytes, bool]


@dataclass(slots=True)
class Group:
    """Hosts whose results are equal; ``first`` stands for all of them."""

    first: Result
    hosts: list[str] = field(default_factory=list)

    def bytes_of(self, stream: StreamName) -> bytes:
        """What each of the hosts wrote there."""
        return self.first.stdout if stream == "stdout" else self.first.stderr

    def lines_of(self, stream: StreamName) -> list[str]:
        """The same, line by line and fit for a terminal."""
        return [line.text() for line in lines_of(self.bytes_of(stream))]

    def is_silent(self) -> bool:
        """Nothing was written."""
        return not (self.first.stdout or self.first.stderr)


class FoldSink(TerminalSink):
    """Collects results, each output once, and shows them at the end; see the module."""

    _tails = False

    def __init__(self, out: Writer, err: Writer, options: OutputOptions) -> None:
        super().__init__(out, err, options)
        self._groups: dict[_Key, Group] = {}
        self._outputs: dict[bytes, bytes] = {}

    def _result(self, result: Result) -> None:
        if is_transfer(result) and not result.stdout:
            result = replace(result, stdout=body(result, self._options.verbosity))
        out, err = self._kept(result.stdout), self._kept(result.stderr)
        key = (result.outcome, result.rc, result.signal, out, err, result.truncated)
        group = self._groups.get(key)
        if group is None:
            stdout, stderr = self._outputs[out], self._outputs[err]
            group = self._groups[key] = Group(replace(result, stdout=stdout, stderr=stderr))
        group.hosts.append(result.host)

    def _kept(self, data: bytes) -> bytes:
        """Keep ``data``, unless the same is there already; gives what it is found by."""
        found_by = hashlib.sha256(data).digest()
        self._outputs.setdefault(found_by, data)
        return found_by

    def _finish(self) -> None:
        order = {host: index for index, host in enumerate(self._hosts)}
        groups = sorted(
            self._groups.values(),
            key=lambda g: (-len(g.hosts), min(order.get(host, len(order)) for host in g.hosts)),
        )
        shown = [group for group in groups if not group.is_silent()]
        for group in shown:
            if self._options.diff and group is not shown[0]:
                self._show_difference(group, shown[0])
            else:
                self._show(group)
        self._say_silent([group for group in groups if group.is_silent()])

    def _show(self, group: Group) -> None:
        for stream in _STREAMS:
            if group.bytes_of(stream):
                self._heading(group, stream)
                self._body(stream, group.lines_of(stream))

    def _show_difference(self, group: Group, majority: Group) -> None:
        for stream in _STREAMS:
            if not group.bytes_of(stream):
                continue
            if stream == "stdout" or group.bytes_of(stream) != majority.bytes_of(stream):
                self._difference(group, majority, stream)

    def _difference(self, group: Group, majority: Group, stream: StreamName) -> None:
        """As a diff, or whole where the two have no line in common."""
        other = label(majority.hosts)
        old, new = majority.lines_of(stream), group.lines_of(stream)
        lines = list(differences(old, new))
        if lines and set(old).isdisjoint(new):
            self._heading(group, stream)
            self._body(stream, new)
            return
        same = group.bytes_of(stream) == majority.bytes_of(stream)
        words = f"same as {other}" + ("" if same else ", but for the ends of lines")
        self._heading(group, stream, f"differs from {other}" if lines else words)
        self._body(stream, [self._styled(stream, line) for line in lines])

    def _heading(self, group: Group, stream: StreamName, more: str = "") -> None:
        color = self._color(stream)
        words = [paint(label(group.hosts), BOLD, color), *_status(group.first, color)]
        words += ["stderr"] if stream == "stderr" else []
        words += [more] if more else []
        self._write(stream, " · ".join(words) + "\n")

    def _body(self, stream: StreamName, lines: list[str]) -> None:
        for line in lines:
            self._write(stream, f"{INDENT}{line}\n")

    def _styled(self, stream: StreamName, line: str) -> str:
        return paint(line, _DIFF_STYLE.get(line[:1], ""), self._color(stream))

    def _color(self, stream: StreamName) -> bool:
        return self._options.color if stream == "stdout" else self._options.color_err

    def _write(self, stream: StreamName, text: str) -> None:
        (self._outlet.out if stream == "stdout" else self._outlet.err)(text)

    def _say_silent(self, groups: list[Group]) -> None:
        hosts = [host for g in groups if g.first.outcome.is_good for host in g.hosts]
        if hosts and self._options.verbosity >= 0:
            self._say(f"{paint('no output', DIM, self._options.color_err)}: {label(hosts)}")


def _status(result: Result, color: bool) -> list[str]:
    """What sets a result apart from one that is simply ok."""
    words = [] if result.outcome is Outcome.OK else [outcome_word(result.outcome, color)]
    if result.signal:
        words.append(sanitise_line(f"SIG{result.signal}"))
    elif result.rc:
        words.append(f"rc={result.rc}")
    return words + (["truncated"] if result.truncated else [])
