"""What can be said of gates and of the order of plays before the first host is reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from opsrun.dialect.tags import Template
from opsrun.errors import PlaybookError, did_you_mean
from opsrun.playbook.gating.lineup import Lineup
from opsrun.playbook.gating.openings import DYNAMIC, every_task
from opsrun.playbook.model.gates import Await, is_gate
from opsrun.playbook.model.nodes import Play, Task


def check_gates(plays: Sequence[Play], *, chosen: bool = False) -> None:
    """Refuse what could only end in waiting.

    Args:
        plays: of one playbook, in the order of the file.
        chosen: whether tags have left some of their tasks out.

    Raises:
        PlaybookError: ``after`` names no play, or plays follow each other in a circle; a task
            awaits a gate that no task opens, or that only plays behind its own open.
    """
    lineup = Lineup(plays)
    opened: dict[str, set[int]] = {}
    open_ended: set[int] = set()
    for play in plays:
        for task in _tasks(play):
            if task.action.name in DYNAMIC or any(isinstance(one, Template) for one in task.opens):
                open_ended.add(play.index)
            for name in task.opens:
                if not isinstance(name, Template):
                    opened.setdefault(name, set()).add(play.index)
    for play in plays:
        for entry, name in _awaited(play):
            others = opened.get(name, set()) | open_ended
            if not others:
                left = " that is left by the tags" if chosen else ""
                words = f"no task{left} opens the gate {name!r}{did_you_mean(name, opened)}"
                raise _wrong(entry, words)
            if all(_behind(lineup, play.index, other) for other in others):
                named = " and ".join(repr(str(lineup.plays[each].name)) for each in sorted(others))
                words = f"the gate {name!r} is opened by {named}, which begins when this play ends"
                raise _wrong(entry, f"{words}; say 'after: []' there to have both side by side")


def _behind(lineup: Lineup, play: int, other: int) -> bool:
    """Whether ``other`` can't begin before ``play`` has ended."""
    seen: set[int] = set()
    waiting = {other}
    while waiting:
        each = waiting.pop()
        if play in lineup.before[each]:
            return True
        seen.add(each)
        waiting |= lineup.before[each] - seen
    return False


def _tasks(play: Play) -> Iterator[Task]:
    return iter(every_task((*play.blocks, *play.handlers)))


def _awaited(play: Play) -> Iterable[tuple[Await, str]]:
    """The gates that a play's tasks, or it itself, name without a template."""
    for task in _tasks(play):
        for entry in task.awaits:
            for text in entry.what:
                if isinstance(text, Template) or entry.kind == "check" or not is_gate(str(text)):
                    continue
                yield entry, str(text)


def _wrong(entry: Await, message: str) -> PlaybookError:
    origin = entry.origin
    return PlaybookError(message, path=origin.path, line=origin.line, column=origin.column)
