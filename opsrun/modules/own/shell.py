"""Modules in POSIX sh: a header with their options, and two functions, or just lines.

Each option is a variable of its name: text as it is, ``true`` or ``false``, a list with a line for
each element, a mapping as JSON; one that was not given, and has no default, is not set.

With functions ``inspect`` and ``apply`` the module has a state: ``inspect`` only reads, and ends
with 0 where nothing is to be done, with 1 where something is, with anything else where it can't
tell. ``apply`` does it, and afterwards ``inspect`` has to agree: what it does not confirm has
failed. Check mode comes with that. Without them the lines are run as they are.

What a module has to say, it says through functions: ``changed``, ``result KEY VALUE``,
``fact NAME VALUE``, ``diff BEFORE AFTER``, ``warn WORDS``, ``fail WORDS``.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from typing import Any, ClassVar

from opsrun.modules.base import Context, Diff, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.declaring import Option, Spec, declared
from opsrun.modules.own.answer import plain
from opsrun.modules.own.header import Header, HeaderError, header_of
from opsrun.modules.own.kinds import interpreter_of
from opsrun.modules.requests import Effect, Run
from opsrun.modules.wording import text_of, word
from opsrun.remote.command import CommandResult

_FUNCTION = re.compile(r"^[ \t]*(inspect|apply)[ \t]*\([ \t]*\)", re.MULTILINE)
_SHELLS = ("sh", "dash", "ash", "ksh", "mksh")
_FAILED = 70
"""EX_SOFTWARE of sysexits(3): `fail` was called."""

_AROUND = """\
exec 3>&1
_opsrun_say() { printf '\\n%s\\n%s\\n%s\\n' "$_opsrun_mark $1" "$2" "$_opsrun_mark ." >&3; }
changed() { _opsrun_say changed ''; }
result() { _opsrun_say "result $1" "$2"; }
fact() { _opsrun_say "fact $1" "$2"; }
diff() { _opsrun_say before "$1"; _opsrun_say after "$2"; }
warn() { _opsrun_say warn "$*"; }
fail() { _opsrun_say fail "$*"; exit 70; }
"""
_INSPECT = "\ninspect\n"
_APPLY = """
apply
_opsrun_rc=$?
_opsrun_say applied "$_opsrun_rc"
[ "$_opsrun_rc" -eq 0 ] || exit "$_opsrun_rc"
inspect
"""


@dataclass(slots=True)
class Said:
    """What a module said through its functions, and what its programs printed besides."""

    output: bytes = b""
    changed: bool = False
    failed: str | None = None
    applied: bool = False
    """Whether `apply` came to its end, with success."""
    results: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    sides: list[tuple[str, str]] = field(default_factory=list)

    @property
    def diff(self) -> tuple[Diff, ...]:
        """Texts before and after, in the order of their calls."""
        before = [text for kind, text in self.sides if kind == "before"]
        after = [text for kind, text in self.sides if kind == "after"]
        return tuple(
            Diff(_whole(one), _whole(other)) for one, other in zip(before, after, strict=False)
        )


def _whole(text: str) -> str:
    return f"{text}\n" if text else ""


def read_said(output: bytes, mark: str) -> Said:
    """Take apart what came out.

    Args:
        output: of the script.
        mark: of the lines that are the functions'.
    """
    frame = re.compile(
        rb"\n%(m)s (?P<kind>[a-z]+)(?: (?P<key>[^\n]*))?\n(?P<value>.*?)\n%(m)s \.\n"
        % {b"m": mark.encode()},
        re.DOTALL,
    )
    said = Said()
    for found in frame.finditer(output):
        kind = found["kind"].decode()
        key, value = text_of(found["key"] or b""), text_of(found["value"])
        _note(said, kind, key, value)
    said.output = frame.sub(b"", output)
    return said


def _note(said: Said, kind: str, key: str, value: str) -> None:
    match kind:
        case "changed":
            said.changed = True
        case "result":
            said.results[key] = value
        case "fact":
            said.facts[key] = value
        case "before" | "after":
            said.sides.append((kind, value))
        case "warn":
            said.warnings.append(value)
        case "fail":
            said.failed = value
        case "applied":
            said.applied = value == "0"


class ShellScript(Module):
    """What all of them have in common; `shell_class` makes one of a file."""

    text: ClassVar[str] = ""
    header: ClassVar[Header] = Header()
    stateful: ClassVar[bool] = False

    def steps(self, context: Context) -> Steps:
        """Inspect, and apply where something is to be done; or the lines as they are."""
        if self.stateful:
            return (yield from self._brought(context))
        if context.check and not self.header.check_mode:
            words = f"{self.name} says nothing in check mode: it has no inspect"
            return ModuleResult(skipped=True, msg=words)
        said, answer = yield from self._run("", context, "reads" if context.check else "changes")
        if answer.rc != 0:
            raise self._failure(said, answer)
        return self._result(said, said.changed, answer, context)

    def _brought(self, context: Context) -> Steps:
        before, answer = yield from self._run(_INSPECT, context, "reads")
        if answer.rc not in (0, 1):
            raise self._failure(before, answer, "inspect")
        if answer.rc == 0 or context.check:
            return self._result(before, answer.rc == 1, answer, context)
        said, answer = yield from self._run(_APPLY, context, "changes")
        said.sides[:0] = before.sides
        said.results = before.results | said.results
        said.warnings = list(dict.fromkeys([*before.warnings, *said.warnings]))
        if not said.applied or answer.rc not in (0, 1):
            raise self._failure(said, answer, "inspect" if said.applied else "apply")
        if answer.rc == 1:
            raise ModuleError(
                f"{self.name}: apply ended well, and inspect still finds something to do",
                changed=True,
                **self._streams(said, answer),
            )
        # What inspect tells after the change is what is: not one more difference.
        said.sides = before.sides
        return self._result(said, True, answer, context)

    def _run(self, call: str, context: Context, effect: Effect) -> Any:
        mark = secrets.token_hex(8)
        values = "".join(self._assignments())
        flags = f"_opsrun_mark={mark}\nopsrun_check={int(context.check)}\n"
        script = f"{flags}{_AROUND}{values}{self.text.rstrip()}\n{call}"
        answer = yield Run(script, effect=effect, apart=True, environment=True)
        if answer.truncated:
            raise ModuleError(f"{self.name} printed more than is kept of it")
        return read_said(answer.stdout, mark), answer

    def _assignments(self) -> Any:
        for option in self.header.options:
            value = getattr(self, option.attribute)
            if value is None:
                yield f"unset {option.name}\n"
            else:
                yield f"{option.name}={word(self._text(option, value))}\n"

    def _text(self, option: Option, value: Any) -> str:
        if option.kind == "list" and not any(isinstance(each, (dict, list)) for each in value):
            lines = [_plain_text(each) for each in value]
            if any("\n" in line for line in lines):
                words = "an element has more than one line, and each is a line of its own"
                raise ModuleError(f"{self.name}: {option.name}: {words}")
            return "\n".join(lines)
        if isinstance(value, (Mapping, list, tuple)):
            return json.dumps(plain(value), ensure_ascii=False)
        return _plain_text(value)

    def _result(
        self, said: Said, changed: bool, answer: CommandResult, context: Context
    ) -> ModuleResult:
        return ModuleResult(
            changed or said.changed,
            data=self._streams(said, answer) | said.results,
            facts=said.facts,
            diff=said.diff if context.diff else (),
            warnings=tuple(said.warnings),
        )

    def _streams(self, said: Said, answer: CommandResult) -> dict[str, Any]:
        streams = {"stdout": text_of(said.output), "stderr": text_of(answer.stderr)}
        return {name: text for name, text in streams.items() if text}

    def _failure(self, said: Said, answer: CommandResult, where: str = "") -> ModuleError:
        named = f"{self.name}: {where}" if where else self.name
        streams = self._streams(said, answer)
        if said.failed is not None:
            return ModuleError(said.failed, **streams, **said.results)
        error = ModuleError.of(answer, named)
        error.data |= streams | said.results
        return error


def _plain_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def shell_class(name: str, path: str, content: bytes) -> type[Module]:
    """The module that a file is.

    Args:
        name: as playbooks call it.
        path: of its file, for messages.
        content: of its file.

    Raises:
        HeaderError: its header can't be used, or it is no POSIX sh.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise HeaderError(f"expected UTF-8: {error.reason}", path=path) from error
    interpreter = interpreter_of(content)
    if interpreter is not None and interpreter.name not in _SHELLS:
        words = f"the first line asks for {interpreter.name}; a module with a header is POSIX sh"
        raise HeaderError(words, path=path, line=1)
    header = header_of(text, path)
    functions = {found[1] for found in _FUNCTION.finditer(text)}
    if len(functions) == 1:
        [one] = functions
        other = "apply" if one == "inspect" else "inspect"
        raise HeaderError(f"there is a function {one}, and no {other}", path=path)
    return _made(name, text, header, stateful=bool(functions))


def _made(name: str, text: str, header: Header, *, stateful: bool) -> type[Module]:
    fields: Sequence[Any] = [
        (each.attribute, Any, field(default=each.default, kw_only=True)) for each in header.options
    ]
    made: type[Module] = make_dataclass(
        "Own", fields, bases=(ShellScript,), frozen=True, kw_only=True
    )
    made.__doc__ = header.description or "A module of this project's own, in sh."
    members: dict[str, Any] = {"name": name, "text": text, "header": header, "stateful": stateful}
    for key, value in members.items():
        setattr(made, key, value)
    return declared(made, Spec(name, header.options, header.rules, None, made.__doc__))
