"""What goes between scheduler, `RunState` and runners: frozen, and nothing that JSON can't hold.

Keys of mappings are text. A value is plain data, or holds a `Template`, an `Unsafe`, bytes or a
`Vaulted`; `opsrun.playbook.codec` writes those, too. No message holds an object that only one
process has: tasks go by their ids, hosts by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from opsrun.results import Outcome


@dataclass(frozen=True, slots=True)
class RunTask:
    """To a runner: do this task on this host."""

    host: str
    task: str
    """Id, see `Task.id`."""
    turn: int
    """Grows with every order of a play; tells a second run of a handler from the first."""
    batch: tuple[str, ...] = ()
    """``ansible_play_batch``: those of the batch that have neither failed nor gone away."""
    removed: tuple[str, ...] = ()
    """Hosts of the play that failed or were unreachable so far (``ansible_play_hosts``)."""
    for_hosts: tuple[str, ...] = ()
    """For a task that runs once: everybody that gets its exports."""
    rescuing: tuple[str, str] | None = None
    """Inside rescue and always: id of the task that failed, and of the block it failed in, for
    ``ansible_failed_task``; its result is in the state."""
    passed: bool = False
    """What the task awaits has come: it is to be done."""
    refused: str = ""
    """What the task awaits can't come any more, or took too long: it fails with these words."""
    ahead: tuple[str, ...] = ()
    """Ids of what comes next on this host if all goes well, in order, as far as that is known and
    worth a look beforehand. Nothing is promised: what comes is ordered all the same."""


@dataclass(frozen=True, slots=True)
class Wait:
    """An entry of ``awaits``, rendered."""

    what: tuple[str, ...]
    """Names of gates, or checks."""
    checks: bool = False
    any_of: int | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """From a runner, in the place of `TaskEnded`: the task is to be done, but has to wait first.

    Nobody works on the host meanwhile. It is ordered anew, ``passed`` or ``refused``.
    """

    host: str
    task: str
    turn: int
    waits: tuple[Wait, ...]
    """One after the other; at least one."""
    hidden: bool = False
    """``no_log`` holds: what is waited for is not to be named."""


@dataclass(frozen=True, slots=True)
class Include:
    """A dynamic include whose conditions held; what it leads to is loaded by the controller."""

    kind: Literal["tasks", "role", "block"]
    """``block``: one item of a block's loop; its ``args`` have the item's ``index``, from 0, unless
    that item has been begun and only its condition was open."""
    name: str
    """File, or role; rendered."""
    args: Mapping[str, Any] = field(default_factory=dict)
    """``apply``, ``tasks_from``, ``vars_from``, ``defaults_from``, ``handlers_from``, ``public``,
    ``allow_duplicates``, ``rolespec_validate``."""
    vars: Mapping[str, Any] = field(default_factory=dict)
    """The loop's variables, and those that the include names; part of its identity."""


@dataclass(frozen=True, slots=True)
class NewHost:
    """Of ``add_host``."""

    name: str
    groups: tuple[str, ...] = ()
    vars: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupBy:
    """Of ``group_by``: this host becomes a member."""

    group: str
    parents: tuple[str, ...] = ("all",)


@dataclass(frozen=True, slots=True)
class Stats:
    """Of ``set_stats``: values for the end of the run."""

    data: Mapping[str, Any]
    per_host: bool = False
    aggregate: bool = True


@dataclass(frozen=True, slots=True)
class Exports:
    """What of a task is to be known afterwards, by whom `TaskEnded.for_hosts` names."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """Gathered: below ``ansible_facts`` without the prefix ``ansible_``."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """``set_fact``."""
    cacheable: Mapping[str, Any] = field(default_factory=dict)
    """``set_fact`` with ``cacheable``: facts, too, and weaker than ``variables``."""
    included: Mapping[str, Any] = field(default_factory=dict)
    """``include_vars``; may hold templates."""
    registered: Mapping[str, Any] = field(default_factory=dict)
    facts_of: str | None = None
    """The host that facts and variables are of, where that is another one (``delegate_facts``)."""
    stats: tuple[Stats, ...] = ()
    clear_facts: bool = False
    elsewhere: tuple[Exports, ...] = ()
    """Of a loop's items: what is another host's, each with ``facts_of``."""


NOTHING = Exports()


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """From a runner: a task has ended on a host. Exactly one for every `RunTask`."""

    host: str
    task: str
    turn: int
    outcome: Outcome
    """FAILED also where it is ``ignored``."""
    ignored: bool = False
    """``ignore_errors`` or ``ignore_unreachable`` held: the host goes on."""
    result: Mapping[str, Any] = field(default_factory=dict)
    """What ``register`` would get: the documented keys, ``results`` of a loop."""
    exports: Exports = NOTHING
    for_hosts: tuple[str, ...] = ()
    """Who gets the exports; empty for the host alone."""
    notified: tuple[str, ...] = ()
    """Names or topics of handlers, rendered; only if something changed."""
    includes: tuple[Include, ...] = ()
    new_hosts: tuple[NewHost, ...] = ()
    groups: tuple[GroupBy, ...] = ()
    run_once: bool | None = None
    """Where the keyword is a template: what it came to."""
    fatal: bool = False
    """``any_errors_fatal`` held, and it failed: the play ends for everybody."""
    meta: str = ""
    """Of a meta task whose conditions held: ``end_play``, ``end_host``, ``end_batch``,
    ``end_role``, ``clear_host_errors``, ``flush_handlers``, ``noop`` …"""
    hidden: bool = False
    """``no_log`` holds: nothing of ``result`` is to be shown."""
    opened: tuple[str, ...] = ()
    """Gates that the host opened with it, rendered; only if it went well."""


@dataclass(frozen=True, slots=True)
class Load:
    """From the scheduler: load what these hosts include together."""

    task: str
    """Id of the including task."""
    include: Include
    hosts: tuple[str, ...]
    number: int
    """Answered by `Loaded` with the same number."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """To the scheduler: the blocks of an include, by id; or why there are none.

    The blocks themselves are in the book of tasks that all share.
    """

    number: int
    blocks: tuple[str, ...] = ()
    handlers: tuple[str, ...] = ()
    """Handlers of an included role; known from here on."""
    error: str = ""
    """The include fails on its hosts."""


@dataclass(frozen=True, slots=True)
class PlayEnded:
    """From the scheduler: nothing more is to be done in this batch."""

    failed: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()
    pending: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Handlers that were notified and did not run, by host: names."""
    due: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The same: ids, and names as written; of those that no handler has any more, no name."""
    aborted: str = ""
    """Why no further batch and play follows: a threshold, ``any_errors_fatal`` …"""
    ended: tuple[str, ...] = ()
    """Hosts that ``end_host`` took out; they have not failed."""
    cancelled: tuple[str, ...] = ()
    """Hosts that were not done when the run was ended."""
    play_over: bool = False
    """``end_play``: no further batch of this play; later plays follow."""


Order = RunTask | Load | PlayEnded
