"""sysctl: a parameter of the kernel's, in a file that is read at the start, and at once.

Files are those of sysctl.conf(5); sysctl(8) reads and sets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleResult, Plan, StateModule
from opsrun.modules.looking import LOOK, unblocked
from opsrun.modules.options import module, option
from opsrun.modules.permissions import Wish
from opsrun.modules.requests import Run
from opsrun.modules.texts.reading import LIMIT, Text, parse_read, read_script
from opsrun.modules.texts.writing import Writing
from opsrun.modules.wording import path_word, word
from opsrun.remote.command import CommandResult

_ENTRY = re.compile(rb"\s*(-?)\s*([^\s#;=][^=]*?)\s*=\s*(.*?)\s*\Z", re.DOTALL)
_TRUTH = {"y": "1", "yes": "1", "true": "1", "n": "0", "no": "0", "false": "0"}
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class SysctlSeen:
    """A parameter, in the file and in the kernel."""

    text: Text
    now: str | None
    """None where it was not asked for, or the kernel knows none of that name."""


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    name, value = values.get("called"), values.get("value")
    if isinstance(name, str) and not name.strip().lstrip("-").strip():
        yield "name", "name: an empty one can't be had"
    if isinstance(value, str) and not value.strip():
        yield "value", "value: an empty one can't be had"
    for given in (name, value):
        if isinstance(given, str) and "\n" in given.strip():
            yield ("name" if given is name else "value"), "a line break can't be had"


@module("ansible.posix.sysctl", judged=_judged, required_if=[("state", "present", ("value",))])
class Sysctl(StateModule[SysctlSeen]):
    """See to it that a parameter of the kernel's has a value, at the next start and now."""

    ahead = True

    called: str = option(
        required=True,
        name="name",
        aliases=("key",),
        doc="As net.ipv4.ip_forward; a dash before it: whether the kernel takes it or not.",
    )
    value: str | None = option(aliases=("val",), doc="What it is set to.")
    state: str = option("present", choices=("present", "absent"), doc="Whether the file names it.")
    sysctl_file: str = option("/etc/sysctl.conf", kind="path", doc="The file.")
    sysctl_set: bool = option(False, doc="Whether the kernel's own value is looked at, and set.")
    reload: bool = option(True, doc="Whether the file is loaded once it has been changed.")
    ignoreerrors: bool = option(
        False, doc="Whether names that the kernel does not know are let by."
    )

    def inspect(self, context: Context) -> Inspection[SysctlSeen]:
        """The file, and what the kernel says where that counts."""
        wish = Wish()

        def parse(answer: CommandResult) -> SysctlSeen:
            text = parse_read(answer, wish, check=context.check)
            return SysctlSeen(text, text.answers.get("now"))

        head = LOOK
        if self._sets:
            tool = f"sysctl -n {'-e ' if self._lenient else ''}-- {word(self._bare)}"
            head += f'if v=$({tool} 2>/dev/null); then say now "$v"; fi\n'
        return Inspection(f"{head}{read_script(self.sysctl_file, wish)}", parse, cap=LIMIT)

    @property
    def _sets(self) -> bool:
        return self.sysctl_set and self.state == "present"

    @property
    def _key(self) -> str:
        """As the file has it."""
        return f"-{self._bare}" if self.called.strip().startswith("-") else self._bare

    @property
    def _bare(self) -> str:
        """As the kernel has it, without sysctl.conf(5)'s mark for what may fail."""
        return self.called.strip().removeprefix("-").strip()

    @property
    def _lenient(self) -> bool:
        return self.ignoreerrors or self._key != self._bare

    @property
    def _value(self) -> str:
        plain = (self.value or "").strip()
        return _TRUTH.get(plain.lower(), plain)

    def plan(self, state: SysctlSeen, context: Context) -> Plan:
        """Set it first: what the kernel refuses is not written down either."""
        text = state.text
        content = b"".join(self._edited(text.content))
        written = content != text.content
        told = _SPACES.split(state.now.strip()) if state.now is not None else None
        is_set = self._sets and told != _SPACES.split(self._value)
        if not (written or is_set):
            return Plan()
        requests = []
        if is_set:
            requests.append(Run(f"{self._setting()}\n"))
        if written:
            if not text.exists:
                unblocked(text.answers, text.path)
            requests.append(Run(Writing(text, content).script(), content))
            if self.reload:
                requests.append(Run(self._loading()))
        return Plan(tuple(requests), ModuleResult(True))

    def _setting(self) -> str:
        """Of what it says where it fails, its exit status tells in part only."""
        lenient = "-e " if self._lenient else ""
        pair = word(f"{self._bare}={self._value}")
        return (
            f"e=$(sysctl {lenient}-w {pair} 2>&1 >/dev/null)\nr=$?\n"
            'if [ "$r" -ne 0 ] || [ -n "$e" ]; then\n'
            f"  printf '%s\\n' {word(f'setting {self._bare} failed')}\": $e\" >&2\n"
            '  [ "$r" -ne 0 ] || r=1\n  exit "$r"\nfi'
        )

    def _loading(self) -> str:
        lenient = "-e " if self.ignoreerrors else ""
        return (
            f"f={path_word(self.sysctl_file)}\n"
            'if [ "$(uname)" = OpenBSD ]; then exit 0; fi\n'
            f'e=$(sysctl {lenient}-p "$f" 2>&1 >/dev/null) || {{\n'
            "  r=$?\n  printf '%s\\n' \"the file is written, and can't be loaded whole: $e\" >&2\n"
            "  exit $r\n}\n"
        )

    def _edited(self, content: bytes) -> Iterator[bytes]:
        """The file's lines: other parameters' as they are, this one's once."""
        done = self.state == "absent"
        key, bare, value = (
            each.encode("utf-8", "surrogateescape") for each in (self._key, self._bare, self._value)
        )
        for line in content.splitlines(keepends=True):
            found = _ENTRY.match(line)
            if found is None or _dotted(found[2]) != _dotted(bare):
                yield line if done or line.endswith(b"\n") else line + b"\n"
            elif not done:
                done = True
                same = found[3] == value and found[2] == bare and (found[1] or key == bare)
                yield line if same else b"%s=%s\n" % (key, value)
        if not done:
            yield b"%s=%s\n" % (key, value)

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """As planned."""
        return plan.result


def _dotted(name: bytes) -> bytes:
    """Both ways to write a name, as sysctl.conf(5) has them: the first separator tells which."""
    first = min((at for at in (name.find(b"."), name.find(b"/")) if at >= 0), default=-1)
    if first >= 0 and name[first : first + 1] == b"/":
        return name.translate(bytes.maketrans(b"./", b"/."))
    return name
