"""One batch of one play as a state machine over messages: no socket, no clock, no template."""

from __future__ import annotations

from collections.abc import Sequence

from opsrun.playbook.messages import Loaded, Order, Parked, PlayEnded, RunTask, TaskEnded
from opsrun.playbook.model.nodes import Block, Node, Task
from opsrun.playbook.scheduler.ahead import ahead
from opsrun.playbook.scheduler.apart import Apart
from opsrun.playbook.scheduler.crew import Crew, HostState, Status
from opsrun.playbook.scheduler.errors import Complaint, StaleMessage
from opsrun.playbook.scheduler.handler_list import HandlerList, NameOf
from opsrun.playbook.scheduler.includes import Group, Loading
from opsrun.playbook.scheduler.lockstep import Lockstep
from opsrun.playbook.scheduler.progress import Progress
from opsrun.playbook.scheduler.settings import PlaySettings
from opsrun.playbook.scheduler.strategy import Strategy


class PlayScheduler:
    """Gives orders, takes answers, until the batch is done.

    Every `RunTask` wants one `TaskEnded` or `Parked`, every `Load` one `Loaded`, in any order. Who
    is parked wants one `release`. The last order is one `PlayEnded`, which wants no answer.

    Args:
        blocks: all that the play does, in order.
        handlers: in the order in which they run.
        hosts: of this batch, in the play's order; those that failed earlier are not among them.
        settings: the play's own.
        name_of: renders a handler's name, "" where it can't; without it names are as written.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        handlers: Sequence[Node],
        hosts: Sequence[str],
        settings: PlaySettings,
        name_of: NameOf | None = None,
    ) -> None:
        self._crew = Crew(hosts, settings.known_failed)
        starting = settings.start_at is not None
        for rank, name in enumerate(hosts):
            self._crew.by_name[name] = HostState(name, rank, blocks, starting)
            if name in settings.due:
                self._crew.by_name[name].resumed = set(settings.due[name])
        known = HandlerList(handlers, name_of or _as_written)
        self._progress = Progress(self._crew, known, settings)
        self._strategy: Strategy = (
            Lockstep(blocks, self._progress, self)
            if settings.strategy == "linear"
            else Apart(self._progress, self)
        )
        self._looks_ahead = settings.ahead > 0
        self._loading = Loading()
        self._orders: list[Order] = []
        self._turn = 0
        self._asked = 0
        self._parked: dict[str, HostState] = {}
        self._cancelled = ""
        self._ended = False

    @property
    def finished(self) -> bool:
        """Whether `PlayEnded` has been given out: there is nothing more to come."""
        return self._ended

    @property
    def started(self) -> bool:
        """Whether the task to start at has been found on any host; True if there is none."""
        return any(not host.starting for host in self._crew) or not self._crew.size

    def ready(self) -> list[Order]:
        """What can be begun now; each order is given out once."""
        if self._ended:
            return []
        if not self._cancelled:
            self._strategy.go_on()
        orders, self._orders = self._orders, []
        if not orders and not self._asked and not self._loading and not self._waits():
            self._ended = True
            return [self._summary()]
        return orders

    def complaints(self) -> list[Complaint]:
        """What has gone wrong without a `TaskEnded` that says so, since it was last asked for:
        handlers that don't exist, includes that can't be loaded, keywords without effect."""
        told, self._progress.complaints = self._progress.complaints, []
        return told

    def ended(self, message: TaskEnded | Parked) -> None:
        """A task has ended on a host, or has to wait first; then others go on.

        Raises:
            StaleMessage: nobody waits for this answer.
        """
        host = self._crew.by_name.get(message.host)
        order = host.order if host else None
        if host is None or order is None:
            raise StaleMessage(f"{_name(message)}: this host has been told to do nothing")
        if (order.task, order.turn) != (message.task, message.turn):
            raise StaleMessage(
                f"{_name(message)}: expected the answer to task {order.task!r}, turn {order.turn}"
            )
        host.order = None
        self._asked -= 1
        if isinstance(message, TaskEnded):
            self._strategy.ended(host, message)
            return
        host.parked = order
        self._parked[host.name] = host
        self._strategy.parked(host)

    def _waits(self) -> bool:
        """Whether a host waits for somebody to release it; nobody does once all is cancelled."""
        while self._parked and not self._cancelled:
            name = next(iter(self._parked))
            if self._parked[name].parked is not None:
                return True
            del self._parked[name]
        return False

    def release(self, name: str, turn: int, refused: str = "") -> bool:
        """The wait of a host is over: it is told to do its task, or to fail.

        Args:
            name: the host.
            turn: of the order that it was parked with.
            refused: why the task can't be done; it fails for this reason.

        Returns:
            Whether it was waiting; it may have been taken elsewhere meanwhile.
        """
        host = self._parked.get(name)
        if host is None or host.parked is None or host.parked.turn != turn or self._cancelled:
            return False
        host.released, host.parked = (host.parked.task, refused), None
        del self._parked[name]
        self._strategy.back(host)
        return True

    def left(self) -> list[tuple[str, Status]]:
        """Hosts whose status has changed since this was last asked for, each with what it is."""
        names, self._crew.left = dict.fromkeys(self._crew.left), []
        return [(name, self._crew.by_name[name].status) for name in names]

    def loaded(
        self, message: Loaded, blocks: Sequence[Block], handlers: Sequence[Node] = ()
    ) -> None:
        """An include has been loaded: its blocks, and the handlers of a role.

        Raises:
            StaleMessage: nobody waits for this answer.
        """
        group = self._loading.answer(message.number)
        if group is None:
            raise StaleMessage(f"Loaded(number={message.number}): no such include is being loaded")
        group.blocks, group.error = tuple(blocks), message.error
        self._progress.handlers.add(handlers)
        self._strategy.loaded(group)

    def cancel(self, reason: str) -> None:
        """Begin nothing more; the play ends as soon as all that was ordered has been answered."""
        self._cancelled = self._cancelled or reason or "cancelled"

    def tell(self, host: HostState, for_hosts: tuple[str, ...] = ()) -> None:
        """For the strategy: ``host`` is to do the task that it stands at."""
        assert host.at is not None
        assert host.order is None
        host.road.begun()
        self._turn += 1
        batch, removed = self._crew.batch_and_removed()
        passed, refused = self._released(host) if host.released else (False, "")
        cause = host.road.cause
        host.order = RunTask(
            *(host.name, host.at.id, self._turn, batch, removed, for_hosts, cause, passed, refused),
            ahead=self._ahead(host) if self._looks_ahead else (),
        )
        self._asked += 1
        self._orders.append(host.order)

    def _ahead(self, host: HostState) -> tuple[str, ...]:
        if host.starting:
            return ()
        most, due = self._progress.settings.ahead, host.road.due or ()
        return ahead(host.road.frames, most, due, notified=bool(host.asked))

    def _released(self, host: HostState) -> tuple[bool, str]:
        """Whether ``host`` has waited for what its task awaits, and why it must not be done."""
        assert host.at is not None
        assert host.released is not None
        (task, why), host.released = host.released, None
        return (not why, why) if task == host.at.id else (False, "")

    def load(self, group: Group) -> None:
        """For the strategy: an include is to be loaded."""
        self._orders.append(self._loading.order(group))

    def _summary(self) -> PlayEnded:
        crew, progress = self._crew, self._progress
        for host in crew.active():
            assert self._cancelled, f"{host.name} has been forgotten"
            crew.leave(host, Status.CANCELLED)
        return PlayEnded(
            failed=crew.having(Status.FAILED),
            unreachable=crew.having(Status.UNREACHABLE),
            pending=progress.pending(),
            due=progress.left_over(),
            aborted=self._cancelled or progress.why_last(),
            ended=crew.having(Status.ENDED),
            cancelled=crew.having(Status.CANCELLED),
            play_over=progress.play_over,
        )


def _as_written(handler: Task) -> str:
    return str(handler.name)


def _name(message: TaskEnded | Parked) -> str:
    kind = type(message).__name__
    return f"{kind}(host={message.host!r}, task={message.task!r}, turn={message.turn})"
