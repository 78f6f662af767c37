"""Tasks, blocks, plays.

Values are as written: plain data, with a `Template` wherever Jinja is to read. What is inherited
(keywords, variables, tags) has been handed down already: a task can be understood by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from opsrun.dialect.origin import NOWHERE, Origin
from opsrun.playbook.model.gates import Await
from opsrun.playbook.model.keywords import Keywords, Loop

LOOPED = "looped block"
"""Name of the action that finds the items of a block's ``loop``, or decides about one of them: a
dynamic include that no file spells."""
Form = Literal["mapping", "k=v", "free-form", "none", "template"]
"""How arguments were written; ``template`` is ``args: "{{ … }}"`` or ``module: "{{ … }}"``."""


@dataclass(frozen=True, slots=True)
class RawAction:
    """A module and its arguments, as written; nothing is known of the module yet."""

    written: str
    """The name in the file: ``copy``, ``ansible.builtin.copy``, ``my.coll.thing``."""
    name: str
    """The same for everybody: ``ansible.builtin.`` and ``ansible.legacy.`` are cut off."""
    args: Mapping[str, Any] = field(default_factory=dict)
    """By name: mapping, ``k=v`` and ``args:`` together. Text of ``k=v`` may be a `Template`."""
    free_form: str | None = None
    """What stood there beside ``k=v`` (command, shell, raw, script, include_tasks, meta …)."""
    args_template: Any = None
    """``args: "{{ … }}"``: gives more arguments when it is rendered; weaker than ``args``."""
    form: Form = "mapping"
    origin: Origin = NOWHERE
    places: Mapping[str, Origin] = field(default_factory=dict)
    """Where each argument is written, for messages."""


@dataclass(frozen=True, slots=True)
class VarsLayer:
    """Variables that a block, a task, an include or a role entry sets."""

    values: Mapping[str, Any]
    origin: Origin = NOWHERE
    places: Mapping[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Role:
    """A role as one place uses it."""

    name: str
    """As written; always with the collection, ``ns.coll.role``, for one of a collection."""
    path: str
    """Its directory."""
    defaults: VarsLayer = field(default_factory=lambda: VarsLayer({}))
    vars: VarsLayer = field(default_factory=lambda: VarsLayer({}))
    """``vars/main.yml``."""
    params: VarsLayer = field(default_factory=lambda: VarsLayer({}))
    """Inline parameters of the role entry (precedence of role params)."""
    entry_vars: VarsLayer = field(default_factory=lambda: VarsLayer({}))
    """``vars:`` of the entry."""
    parents: tuple[Role, ...] = ()
    """Whose dependency, or include, this one is; outermost first."""
    includers: tuple[Role, ...] = ()
    """Those of the roles that led here whose include_role or import_role did; outermost first."""
    dependencies: tuple[Role, ...] = ()
    """Those of ``meta/main.yml``; their defaults and vars are seen from here too."""
    public: bool = True
    """Whether its defaults and vars are seen by the play's later tasks."""
    allow_duplicates: bool = False
    collection: str | None = None
    origin: Origin = NOWHERE
    key: str = ""
    """Equal for uses that count as one; such a role runs once a host, see `allow_duplicates`."""
    argument_specs: Mapping[str, Any] = field(default_factory=dict)
    """Of its meta data, as written."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One task or handler."""

    id: str
    """The same in every run of the same files: ``0/tasks/3/block/1``; includes add to it."""
    action: RawAction
    name: str = ""
    """As written; empty where there is none."""
    keywords: Keywords = field(default_factory=Keywords)
    vars: tuple[VarsLayer, ...] = ()
    """Of its blocks, outermost first, then its own. Of includes likewise."""
    include_vars: tuple[VarsLayer, ...] = ()
    """Variables that includes gave (include params: stronger than facts)."""
    loop: Loop | None = None
    register: str | None = None
    until: tuple[Any, ...] = ()
    retries: Any = None
    delay: Any = None
    changed_when: tuple[Any, ...] = ()
    failed_when: tuple[Any, ...] = ()
    notify: tuple[Any, ...] = ()
    """Names as written; each may be a template, or a template that gives a list."""
    listen: tuple[Any, ...] = ()
    """Of handlers."""
    async_seconds: Any = None
    poll: Any = None
    opens: tuple[Any, ...] = ()
    """Gates that a host opens as it has done this well, by name; each may be a template."""
    awaits: tuple[Await, ...] = ()
    """What a host waits for before it does this, in their order."""
    role: Role | None = None
    origin: Origin = NOWHERE
    written: frozenset[str] = frozenset()
    """Keywords on the task itself, for lint."""
    places: Mapping[str, Origin] = field(default_factory=dict)
    """Where each of those is written."""
    implicit: bool = False
    """Made by opsrun: fact gathering, flushing of handlers."""
    handler: bool = False


def play_of(task: str) -> int:
    """The index of the play that the task with this id belongs to.

    >>> play_of("2/tasks/0+1/3")
    2
    """
    return int(task.partition("/")[0])


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Tasks with a rescue and an always part; either may be empty."""

    id: str
    tasks: tuple[Node, ...] = ()
    rescue: tuple[Node, ...] = ()
    always: tuple[Node, ...] = ()
    name: str = ""
    keywords: Keywords = field(default_factory=Keywords)
    role: Role | None = None
    role_end: bool = False
    """Its end is the end of the role (``meta: end_role`` leads here; the role has run)."""
    loop: Task | None = None
    """Finds its items, and stands for all of it: what the block holds is what one item is to do,
    made anew for each while the run goes on, and itself only to be looked at."""
    rescue_unreachable: bool = False
    """``rescue`` is for hosts that can't be reached, too."""
    origin: Origin = NOWHERE

    def every_task(self) -> Iterator[Task]:
        """All tasks in it, in the order of the file."""
        for node in (*self.tasks, *self.rescue, *self.always):
            if isinstance(node, Block):
                yield from node.every_task()
            else:
                yield node


Node = Task | Block


@dataclass(frozen=True, slots=True)
class VarsPrompt:
    """One entry of ``vars_prompt``."""

    name: str
    prompt: Any = ""
    default: Any = None
    private: bool = True
    confirm: bool = False
    encrypt: str | None = None
    salt: str | None = None
    salt_size: int | None = None
    unsafe: bool = False
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Play:
    """One play. `blocks` is all that it does, in order, gathering of facts and flushes included."""

    index: int
    """From 0, over all playbooks of the run."""
    hosts: Any
    """A pattern, or a list of them; may be a template."""
    name: str = ""
    keywords: Keywords = field(default_factory=Keywords)
    blocks: tuple[Block, ...] = ()
    handlers: tuple[Node, ...] = ()
    """In the order in which they run: those of the roles, then the play's own."""
    vars: VarsLayer = field(default_factory=lambda: VarsLayer({}))
    vars_files: tuple[Any, ...] = ()
    """Each a path, or a list of which the first that exists counts."""
    vars_prompt: tuple[VarsPrompt, ...] = ()
    roles: tuple[Role, ...] = ()
    """Those under ``roles:``, then those that tasks import, in order; dependencies are in them."""
    strategy: Any = "linear"
    serial: Any = None
    """A number, a percentage, or a list of them."""
    order: Any = "inventory"
    max_fail_percentage: Any = None
    max_hosts: Any = None
    """Hosts that it may have without being asked about."""
    force_handlers: Any = None
    gather_facts: Any = None
    gather_subset: Any = None
    gather_timeout: Any = None
    fact_path: Any = None
    gates: tuple[Await, ...] = ()
    """What each host waits for before it begins; the play's first task awaits them."""
    after: tuple[str, ...] | None = None
    """Plays, by name as written, that this one follows; None for all that stand before it."""
    canary: tuple[Any, ...] = ()
    """Sizes of the first batches, each judged before the next one begins."""
    health: tuple[Await, ...] = ()
    """Checks that have to hold on every host of a batch before the next one begins."""
    path: str = ""
    """The playbook's file."""
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Playbook:
    """The plays of a playbook, those that it imports in their places."""

    path: str
    plays: tuple[Play, ...]
