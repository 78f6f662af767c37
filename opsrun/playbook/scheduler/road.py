"""Where one host is in the tree of blocks, and where it goes from there."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from opsrun.playbook.model.nodes import Block, Node, Role, Task

Cause = tuple[str, str]
"""Ids of a task that failed and of the block whose rescue or always part that led to."""


class Section(IntEnum):
    TASKS = 0
    RESCUE = 1
    ALWAYS = 2


class Frame:
    """One level: a list of nodes, shared by all hosts, and how far this host is in it."""

    __slots__ = ("away", "block", "cause", "failed", "flush", "index", "nodes", "section")

    def __init__(
        self, nodes: Sequence[Node], block: Block | None = None, flush: bool = False
    ) -> None:
        self.nodes = nodes
        self.index = 0
        self.block = block
        """None for the play itself, for what an include put there, and for handlers."""
        self.section = Section.TASKS
        self.failed = False
        """A failure waits for the end of the always part."""
        self.away = False
        """What waits is that the host couldn't be reached."""
        self.cause: Cause | None = None
        self.flush = flush
        """``nodes`` are the handlers, of which only the notified ones count."""

    def copy(self) -> Frame:
        """The same, to go back to."""
        made = Frame(self.nodes, self.block, self.flush)
        made.index, made.section = self.index, self.section
        made.failed, made.away, made.cause = self.failed, self.away, self.cause
        return made

    def enter(self, section: Section, cause: Cause | None) -> None:
        assert self.block is not None
        self.section, self.index, self.cause = section, 0, cause
        self.nodes = self.block.rescue if section is Section.RESCUE else self.block.always


class Road:
    """A stack of frames; the top one's next node is where the host stands.

    Invariant: a frame's index is behind the node that the frame above it came from.
    """

    __slots__ = ("_before", "_complete", "_ran", "due", "failed", "forced", "frames")

    def __init__(self, blocks: Sequence[Node]) -> None:
        self.frames = [Frame(blocks)]
        self._before: list[Frame] | None = None
        """The frames before `here` led into, or out of, a block: until its task is begun, the host
        is still where it was."""
        self.due: set[str] | None = None
        """Ids of the notified handlers that have not begun; None until there is one."""
        self.failed = False
        """Its end was a failure."""
        self.forced: Task | None = None
        """The first flush behind a failure that ended the road, for ``force_handlers``."""
        self._ran: set[str] | None = None
        """Keys of roles of which a task was done, and not skipped."""
        self._complete: set[str] | None = None
        """Those of them that came to their ends."""

    def here(self) -> Task | None:
        """The task that it stands at; None at the end."""
        frames = self.frames
        if frames and not frames[-1].flush:
            top = frames[-1]
            if top.index < len(top.nodes):
                node = top.nodes[top.index]
                if isinstance(node, Task):
                    return node
        if self._before is None:
            self._before = [frame.copy() for frame in frames]
        while frames:
            top = frames[-1]
            if top.flush:
                self._skip(top)
            if top.index >= len(top.nodes):
                self._close(top)
                continue
            node = top.nodes[top.index]
            if isinstance(node, Task):
                return node
            if node.loop is not None:
                return node.loop
            top.index += 1
            if not (node.role_end and self._has_had(node)):
                frames.append(Frame(node.tasks, node))
        return None

    def did(self, role: Role) -> None:
        """A task of ``role`` was done, and not skipped: it counts as run, once it has its end."""
        self._ran = self._ran or set()
        self._ran.add(role.key)

    def _has_had(self, block: Block) -> bool:
        """Whether it is a role that has run already, and once is enough."""
        if not self._complete or block.role is None or block.role.allow_duplicates:
            return False
        return block.role.key in self._complete

    def _came_through(self, block: Block) -> None:
        if block.role is not None and self._ran and block.role.key in self._ran:
            self._complete = self._complete or set()
            self._complete.add(block.role.key)

    def _skip(self, top: Frame) -> None:
        due = self.due
        if not due:
            top.index = len(top.nodes)
            return
        while top.index < len(top.nodes) and top.nodes[top.index].id not in due:
            top.index += 1

    def _close(self, top: Frame) -> None:
        if top.block is not None and top.section is not Section.ALWAYS and top.block.always:
            top.enter(Section.ALWAYS, top.cause)
            return
        self.frames.pop()
        if top.failed:
            assert top.cause is not None
            self._fail(top.cause[0], top.away)
        elif top.block is not None and top.block.role_end:
            self._came_through(top.block)

    def begun(self) -> None:
        """The task here has been begun."""
        self._before = None

    def passed(self) -> None:
        """The task here is done: behind it."""
        self._before = None
        self.frames[-1].index += 1

    def insert(self, nodes: Sequence[Node]) -> None:
        """Do these next."""
        self.frames.append(Frame(nodes))

    def flush(self, handlers: Sequence[Task]) -> None:
        """Do the notified ones of these next."""
        self.frames.append(Frame(handlers, flush=True))

    @property
    def flushing(self) -> bool:
        """Whether it is among the handlers."""
        for frame in self.frames:  # noqa: SIM110 - asked for at every notification
            if frame.flush:
                return True
        return False

    @property
    def cause(self) -> Cause | None:
        """What the nearest rescue or always part around it is for."""
        for frame in reversed(self.frames):
            if frame.cause is not None:
                return frame.cause
        return None

    def fail(self, task: str, twice: bool = False) -> None:
        """On to the nearest part that is for failures; without one, to the end.

        A host that has not begun the task here fails where it was before.

        Args:
            task: id of the one that failed.
            twice: once more in the block that it is in, if that has a part for failures.
        """
        if self._before is not None:
            self.frames, self._before = self._before, None
        level = self._level() if twice else None
        self._fail(task)
        if self.frames and self.frames[-1] is level:
            self._fail(task)

    def lose(self, task: str) -> bool:
        """On to the nearest rescue part for hosts that can't be reached, through the always parts
        on the way; if there is none, nothing changes.

        Returns:
            Whether there is one.
        """
        frames = self.frames if self._before is None else self._before
        if not any(_takes_lost(frame) for frame in frames):
            return False
        self.frames, self._before = frames, None
        self._fail(task, away=True)
        return True

    def _level(self) -> Frame | None:
        """The innermost frame that isn't one of handlers, or of what these include."""
        found = None
        for frame in self.frames:
            if frame.flush:
                break
            found = frame
        return found

    def _fail(self, task: str, away: bool = False) -> None:
        flush: Task | None = None
        handling = False
        while self.frames:
            top = self.frames[-1]
            if _takes_lost(top) if away else _rescues(top):
                assert top.block is not None
                top.enter(Section.RESCUE, (task, top.block.id))
                return
            if top.block is not None and top.section is not Section.ALWAYS and top.block.always:
                top.enter(Section.ALWAYS, (task, top.block.id))
                top.failed, top.away = True, away
                return
            handling = handling or top.flush
            flush = flush or _implicit_flush(top)
            self.frames.pop()
        self.failed = True
        self.forced = None if handling else flush

    @property
    def doomed(self) -> bool:
        """Whether it goes through an always part because of a failure that nothing rescues."""
        if not self.frames or not self.frames[-1].failed:
            return False
        return not any(_rescues(frame) for frame in self.frames[:-1])

    def forgive(self) -> None:
        """No failure waits any more."""
        for frame in (*self.frames, *(self._before or ())):
            frame.failed = False

    def leave_role(self, role: Role | None) -> None:
        """To the end of the innermost use of ``role``; its always parts are left out."""
        while self.frames:
            top = self.frames[-1]
            for index in range(top.index, len(top.nodes)):
                if _ends(top.nodes[index], role):
                    top.index = index + 1
                    return
            self.frames.pop()
            if top.block is not None and _ends(top.block, role):
                self._came_through(top.block)
                return


def _ends(node: Node, role: Role | None) -> bool:
    if not isinstance(node, Block) or not node.role_end:
        return False
    if role is None or node.role is None:
        return True
    return (node.role.name, node.role.path) == (role.name, role.path)


def _rescues(frame: Frame) -> bool:
    """Whether a failure here leads into the rescue part of this very level."""
    return frame.block is not None and frame.section is Section.TASKS and bool(frame.block.rescue)


def _takes_lost(frame: Frame) -> bool:
    """The same for a host that can't be reached."""
    return _rescues(frame) and frame.block is not None and frame.block.rescue_unreachable


def is_flush(node: Node) -> bool:
    """Whether it is a flush of handlers that opsrun put there itself: it has no condition."""
    return (
        isinstance(node, Task)
        and node.implicit
        and node.action.name == "meta"
        and meta_word(node) == "flush_handlers"
    )


def meta_word(task: Task) -> str:
    """What a ``meta`` task asks for; empty for all others."""
    if task.action.name != "meta":
        return ""
    return str(task.action.free_form or task.action.args.get("_raw_params", "")).strip()


def _implicit_flush(frame: Frame) -> Task | None:
    if frame.flush or frame.section is not Section.TASKS:
        return None
    for index in range(frame.index, len(frame.nodes)):
        node = frame.nodes[index]
        inside = node.tasks if isinstance(node, Block) else (node,)
        for each in inside:
            if isinstance(each, Task) and is_flush(each):
                return each
    return None
