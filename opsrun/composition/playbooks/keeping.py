"""Handlers that did not run, between one run and the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from opsrun.composition.playbooks.options import PlaybookOptions
from opsrun.composition.playbooks.prepared import Prepared
from opsrun.errors import UsageError
from opsrun.events import Event, Notice, TaskResult
from opsrun.playbook.pending import PendingHandlers
from opsrun.results import Outcome
from opsrun.sinks.names import label

_RAN = (Outcome.OK, Outcome.CHANGED, Outcome.SKIPPED, Outcome.FAILED)


def pending_of(prepared: Prepared) -> PendingHandlers:
    """What an earlier run left, and room for what this one will.

    Raises:
        UsageError: it is to be carried out, and there is none, or the playbooks have changed.
    """
    options = prepared.options
    store, before = options.pending, None
    if store is not None:
        try:
            before = store.load()
        except UsageError:
            if options.resume:
                raise
    if options.resume and before is None:
        raise UsageError(
            "--resume: no handlers are pending of these playbooks on this inventory; a run that "
            "was killed leaves no record"
        )
    return PendingHandlers(prepared.plays, before, options.resume)


def remark(pending: PendingHandlers) -> Iterator[Notice]:
    """What to say of an earlier run's at the beginning."""
    before = pending.before
    if before is None or not before.hosts:
        return
    hosts, when = label(before.hosts), before.when
    words = f"handlers are pending on {hosts} from the run of {when}"
    more = "they run at the next flush" if pending.resume else "--resume runs them"
    yield Notice("warning", f"{words}: {more}")


def follow(pending: PendingHandlers, emit: Callable[[Event], None]) -> Callable[[Event], None]:
    """``emit``, that notes handlers which have run."""

    def tell(event: Event) -> None:
        if isinstance(event, TaskResult) and _is_end(event):
            pending.ran(event.host, event.task)
        emit(event)

    return tell


def _is_end(event: TaskResult) -> bool:
    return event.item is None and event.retries_left is None and event.outcome in _RAN


def keep(options: PlaybookOptions, pending: PendingHandlers, emit: Callable[[Event], None]) -> None:
    """Keeps what is pending now, and says so."""
    store, now = options.pending, pending.now()
    if store is None or options.settings.check or not (now or pending.before):
        return
    try:
        store.save(now)
    except OSError as error:
        emit(Notice("warning", f"pending handlers can't be kept for --resume: {error}"))
        return
    if now:
        words = "the same run with --resume carries them out; with force_handlers in a play, or "
        words += "--force-handlers, they run on failed hosts, too"
        emit(Notice("warning", f"handlers are pending: {words}"))
