"""What comes next on a host if all goes well."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from opsrun.playbook.model.nodes import Node, Task
from opsrun.playbook.scheduler.road import Frame, Section, is_flush


class _Unknown(Exception):
    """What comes here is not known yet."""


def ahead(
    frames: Sequence[Frame], most: int, due: Collection[str], *, notified: bool
) -> tuple[str, ...]:
    """Ids of tasks behind the one that a host stands at, in order, up to where it is not known.

    Args:
        frames: where it stands; they stay as they are.
        most: no more of them.
        due: ids of the handlers that are to run in the handlers' frame.
        notified: whether handlers wait for the next flush.
    """
    found: list[str] = []
    try:
        for each in islice(_behind(frames, due, notified), most):
            found.append(each)
    except _Unknown:
        pass
    return tuple(found)


def _behind(frames: Sequence[Frame], due: Collection[str], notified: bool) -> Iterator[str]:
    for level, frame in enumerate(reversed(frames)):
        # All but the top one stand behind the node that the one above them came from.
        rest = frame.nodes[frame.index + (1 if level == 0 else 0) :]
        if frame.flush:
            yield from (node.id for node in rest if node.id in due)
            continue
        yield from _tasks(rest, notified)
        block = frame.block
        if block is not None and frame.section is not Section.ALWAYS:
            yield from _tasks(block.always, notified)
        if frame.failed:
            raise _Unknown


def _tasks(nodes: Sequence[Node], notified: bool) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Task):
            if is_flush(node):
                if notified:
                    raise _Unknown
                continue
            yield node.id
        elif node.loop is not None:
            raise _Unknown
        else:
            yield from _tasks(node.tasks, notified)
            yield from _tasks(node.always, notified)
