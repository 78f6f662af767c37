"""INI text, edited: sections, options, and what stands around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Value = str | None
"""None for an option without one."""

_BLANK = re.compile(r"[ \t]*([#;].*)?\n?\Z")


@dataclass(frozen=True, slots=True)
class Sought:
    """An option that a section has to have, for it to be the one that is meant."""

    option: str
    values: tuple[str, ...] = ()
    """All of them; any, if there are none."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An option as it is to be."""

    option: str | None
    """None for the section as a whole."""
    values: tuple[str, ...]
    present: bool = True
    exclusive: bool = True
    """Other values of it go."""
    spaces: bool = True
    """Around ``=``."""
    ignore_spaces: bool = False
    bare: bool = False
    """It may stand there without a value."""
    comments: bool = True
    """A line that is commented out is taken for it."""

    def line(self, option: str, value: Value) -> str:
        """As it is written."""
        if value is None:
            return f"{option}\n"
        return f"{option} = {value}\n" if self.spaces else f"{option}={value}\n"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that has an option."""

    active: bool
    value: Value


@dataclass(slots=True)
class _Result:
    lines: list[str]
    msg: str = "OK"


def edited(
    text: str, section: str | None, sought: Sequence[Sought], wanted: Wanted
) -> tuple[str, str]:
    """The text with an option as it is to be, and what was done: ``OK`` for nothing.

    Args:
        text: of the file; every line of what comes of it ends in a newline.
        section: its name; None for what stands before the first.
        sought: which of several sections of that name.
        wanted: what is to be there, or not.
    """
    lines = _lines(plain(text))
    region = _region(lines, section, sought)
    if region is None:
        if not wanted.present:
            return "".join(lines), "OK"
        return _with_section(lines, section, sought, wanted)
    result = _Result(lines)
    if wanted.option is None:
        if not wanted.present and section:
            del lines[region.start - 1 : region.stop]
            result.msg = "section removed"
    elif wanted.present:
        _present(result, region, wanted.option, wanted)
    else:
        _absent(result, region, wanted.option, wanted)
    return "".join(result.lines), result.msg


def plain(text: str) -> str:
    """Without a byte order mark, and with newlines alone at the ends of lines."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _lines(text: str) -> list[str]:
    lines = re.findall(r"[^\n]*\n|[^\n]+\Z", text) or [""]
    if not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return lines


def _region(lines: list[str], section: str | None, sought: Sequence[Sought]) -> range | None:
    """The lines of a section, behind its head."""
    for region in _regions(lines, section):
        if not section or all(_has(lines, region, each) for each in sought):
            return region
    return None


def _regions(lines: list[str], section: str | None) -> Iterator[range]:
    heads = [number for number, line in enumerate(lines) if line.startswith("[")]
    if not section:
        yield range(heads[0] if heads else len(lines))
        return
    head = re.compile(r"\[\s*" + re.escape(section.strip()) + r"\s*]")
    for begin, end in pairwise([*heads, len(lines)]):
        if head.match(lines[begin]):
            yield range(begin + 1, end)


def _has(lines: list[str], region: range, sought: Sought) -> bool:
    found = [_read(lines[number], sought.option) for number in region]
    values = {each.value for each in found if each is not None and each.active}
    if not sought.values:
        return bool(values)
    return values >= set(sought.values)


def _read(line: str, option: str) -> _Line | None:
    """What a line says of an option; None where it is about something else."""
    name = re.escape(option)
    found = re.match(rf"[ \t]*([#;]?)[ \t]*({name})[ \t]*(=|$)[ \t]*(.*)", line)
    if found is None:
        return None
    return _Line(not found[1], found[4].rstrip() if found[3] else None)


def _with_section(
    lines: list[str], section: str | None, sought: Sequence[Sought], wanted: Wanted
) -> tuple[str, str]:
    lines.append(f"[{section}]\n")
    for each in sought:
        for value in each.values:
            if each.option != wanted.option:
                lines.append(wanted.line(each.option, value))
    if wanted.option is None:
        return "".join(lines), "only section added"
    lines += [wanted.line(wanted.option, value) for value in _values(wanted)]
    return "".join(lines), "section and option added"


def _values(wanted: Wanted) -> list[Value]:
    """Those that are to be there; of an option without a value, none."""
    return list(wanted.values) or [None]


def _present(result: _Result, region: range, option: str, wanted: Wanted) -> None:
    left = _values(wanted)
    others: list[int] = []
    for number in region:
        found = _read(result.lines[number], option)
        if found is None or not (found.active or wanted.comments):
            continue
        # Without a value is as good as with an empty one.
        value = "" if found.value is None and "" in left else found.value
        if value in left:
            left.remove(value)
            _put(result, number, found, wanted.line(option, value), wanted)
        else:
            others.append(number)
    gone = []
    for number in others if wanted.exclusive else ():
        found = _read(result.lines[number], option)
        assert found is not None
        if left:
            _put(result, number, found, wanted.line(option, left.pop(0)), wanted)
        elif found.active or wanted.values:
            gone.append(number)
            result.msg = "option changed"
    for number in reversed(gone):
        del result.lines[number]
    if left:
        _insert(result, range(region.start, region.stop - len(gone)), option, left, wanted)


def _put(result: _Result, number: int, found: _Line, new: str, wanted: Wanted) -> None:
    old = result.lines[number]
    if old == new or (wanted.ignore_spaces and found.active and _squeezed(old) == _squeezed(new)):
        return
    result.lines[number] = new
    result.msg = "option changed"


def _squeezed(line: str) -> str:
    return re.sub(r"[ \t]*=[ \t]*", "=", line.strip(), count=1)


def _insert(
    result: _Result, region: range, option: str, values: list[Value], wanted: Wanted
) -> None:
    at = region.stop
    while at > region.start and _BLANK.match(result.lines[at - 1]):
        at -= 1
    result.lines[at:at] = [wanted.line(option, each) for each in values]
    result.msg = "option added"


def _absent(result: _Result, region: range, option: str, wanted: Wanted) -> None:
    for number in reversed(region):
        found = _read(result.lines[number], option)
        if found is None or not found.active:
            continue
        if wanted.exclusive or found.value in wanted.values:
            del result.lines[number]
            result.msg = "option changed"
