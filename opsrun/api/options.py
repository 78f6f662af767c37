"""Further arguments of a `Fleet`'s methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

from opsrun.api.fleet_options import PathLike
from opsrun.composition import arguments
from opsrun.engine.dispatch import Plan, Share
from opsrun.errors import UsageError, did_you_mean
from opsrun.events import Result, Sink


class PlanOptions(TypedDict, total=False):
    """In which order hosts are worked through, and when to stop."""

    retries: int
    """Further attempts for a host that was not reached."""
    serial: int | str | None
    """Work in batches of so many hosts, or of a percentage: ``3``, ``"10%"``."""
    fail_fast: bool
    """The first host that ends badly cancels all the others."""
    max_fail: int | str | None
    """Start no further host once more than so many (or ``"10%"``) ended badly."""
    sinks: Sequence[Sink]
    """Fed with the same events."""
    on_result: Callable[[Result], object] | None
    """Called with each result as it comes, where the run is waited for; what it raises ends the
    run, and comes out of the call."""


class ExecOptions(PlanOptions, total=False):
    """Further arguments of `Fleet.exec` and `Fleet.stream`."""

    env: Mapping[str, str] | None
    """Variables to export first."""
    stdin: bytes | None
    """Sent to every host's command; None closes its standard input."""
    timeout: float | None
    """Seconds that the command may take on a host."""
    idle_timeout: float | None
    """Seconds that it may be silent there."""
    pty: bool
    """Run on a terminal of 80 by 24; both outputs come as ``stdout``."""
    raw: bool
    """Send the words as they are, for hosts without a POSIX shell; see `Manner`."""
    output: bool
    """Whether there are `Output` events, too."""
    when_ready: str | Sequence[str] | None
    """What each host waits for before its command starts: ``"tcp:5432"``; see docs/gates.md."""
    ready_timeout: float | None
    """Seconds that it waits for that; 60 unless given, None for ever."""
    then_wait: str | Sequence[str] | None
    """What each host waits for after its command; ``"ssh"`` is a reboot; see docs/rolling.md."""
    then_timeout: float | None
    """Seconds that it waits for that; 300 unless given, None for ever."""
    canary: int | str | Sequence[int | str] | None
    """So many hosts first, then so many, then all others: ``"1,10%"`` or ``(1, "10%")``. The next
    ones follow only if all of them ended well."""
    health: str | Sequence[str] | None
    """With ``canary``: what has to hold on a host when all of its batch have ended, else it has
    failed."""
    health_timeout: float | None
    """Seconds that it has for that; 60 unless given, None for ever."""


class CopyOptions(PlanOptions, total=False):
    """What `Fleet.put`, `Fleet.get` and `Fleet.sync` have in common."""

    mode: str | None
    """Permissions of what is written: ``"0644"``, ``"u=rw,go=r"``, ``"a+X"``."""
    keep_setuid: bool
    """Setuid, setgid and sticky are not dropped."""
    backup: bool
    """What is replaced is kept beside it."""
    exclude: Sequence[str]
    """Patterns of what is left out, see `opsrun.trees.exclude`."""
    sftp: bool
    """Over SFTP, for hosts without a shell to use."""
    bwlimit: float | None
    """Bytes a second for each host."""
    bwlimit_total: float | None
    """Bytes a second for all of them together."""
    idle_timeout: float | None
    """Seconds without a byte either way, after which a host is given up."""


class PutArguments(CopyOptions, total=False):
    """Further arguments of `Fleet.put`."""

    content: bytes | None
    """What the destination is to hold, in place of sources."""
    owner: str
    group: str
    preserve: bool
    """Permissions and modification times are the sources'."""
    validate: str
    """A command for the host's shell, with ``%s`` for a file that is not in its place yet."""
    follow: bool
    """A link that is the destination is what it leads to."""
    dereference: bool
    """Links here are what they lead to."""
    parents: bool
    """Directories above the destination are made where they are missing."""
    dry_run: bool
    """Say what would be done, and do nothing."""


class GetArguments(CopyOptions, total=False):
    """Further arguments of `Fleet.get`."""

    flat: bool
    """No folder for each host; ``{host}`` in the destination becomes its name."""
    preserve: bool
    """Permissions and modification times are the hosts'."""
    unsafe_links: bool
    """Links that lead out of the tree are made too."""


class SyncArguments(CopyOptions, total=False):
    """Further arguments of `Fleet.sync`."""

    owner: str
    group: str
    delete: bool
    """What the source doesn't have is removed."""
    checksum: bool
    """Contents are compared by SHA-256, in place of size and time."""
    dry_run: bool
    """Say what would be done, and do nothing."""


class PlaybookArguments(TypedDict, total=False):
    """Further arguments of `Fleet.playbook` and `Fleet.stream_playbook`."""

    extra_vars: Mapping[str, Any] | None
    """Variables that win over all others. Text in them may be a template: it is the script's."""
    tags: Sequence[str]
    """Tasks that have one of these tags, and no others."""
    skip_tags: Sequence[str]
    """Tasks with one of these are left out."""
    check: bool
    """Say what would change, and change nothing."""
    diff: bool
    """Results tell what changed inside files."""
    limit: str | Sequence[str] | None
    """Only those hosts of the plays that are also in this pattern."""
    start_at: str | None
    """Name of the task to begin with; ``*`` stands for any characters."""
    force_handlers: bool
    """Handlers that were notified run on hosts that have failed, too."""
    resume: bool
    """Handlers that an earlier run of these playbooks on this inventory left pending count as
    notified."""
    strict: bool
    """Refuse to start where a task names a module that this version doesn't have."""
    retries: int
    """Further attempts to log in."""
    roles_path: PathLike | Sequence[PathLike]
    """Folders of roles, beside those of the playbook."""
    collections_path: PathLike | Sequence[PathLike]
    """Folders that hold ``ansible_collections``."""
    prefetch: bool
    """Whether hosts are asked ahead of their tasks; they are unless this is False. Results are the
    same."""
    bridge: bool | PathLike
    """True: ``ansible-playbook`` of PATH does what is written for Ansible's own Python, and what
    opsrun doesn't have; see docs/modules.md. Or the program's name or path."""
    verbosity: int
    """What playbooks see as ``ansible_verbosity``; from 2 on, connections tell their story."""
    sinks: Sequence[Sink]
    """Fed with the same events."""
    on_result: Callable[[Result], object] | None
    """As for `Fleet.exec`: called with the one result of each host, at the end."""


def only_known(options: Mapping[str, object], kind: type) -> None:
    """Refuse arguments that ``kind`` doesn't have.

    Nothing else tells at run time: a limit that was misspelt would just not be there.

    Raises:
        UsageError: there is one.
    """
    known = {name for base in kind.__mro__ for name in getattr(base, "__annotations__", ())}
    for name in options:
        if name not in known:
            raise UsageError(f"no option {name!r}{did_you_mean(name, known)}")


def plan_of(options: PlanOptions, forks: int) -> Plan:
    """How the hosts are worked through, ``forks`` at once.

    Raises:
        UsageError: a number can't be understood, or there is nothing to call.
    """
    on_result = options.get("on_result")
    if on_result is not None and not callable(on_result):
        raise arguments.wrong("on_result", "something to call", on_result)
    _check_sinks(options.get("sinks", ()))
    return Plan(
        forks=forks,
        serial=_share(options.get("serial"), "serial"),
        fail_fast=options.get("fail_fast", False),
        max_fail=_share(options.get("max_fail"), "max_fail"),
    )


def rolling_plan_of(options: ExecOptions, forks: int) -> Plan:
    """As `plan_of`, with the canary.

    Raises:
        UsageError: a number can't be understood, or two of them contradict each other.
    """
    given = options.get("canary")
    plan = plan_of(options, forks)
    if given is None:
        return plan
    parts = given.split(",") if isinstance(given, str) else _several(given)
    if not parts:
        raise arguments.wrong("canary", "at least one number or percentage", given)
    return replace(plan, canary=tuple(Share.parse(str(part).strip(), "canary") for part in parts))


def _several(value: object) -> Sequence[object]:
    is_list = isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray))
    return value if is_list else (value,)  # type: ignore[return-value]


def _check_sinks(sinks: object) -> None:
    # One that can't take an event would be dropped at the first, and nobody would be told.
    if not isinstance(sinks, Sequence):
        raise arguments.wrong("sinks", "a list of sinks", sinks)
    for sink in sinks:
        if not callable(getattr(sink, "handle", None)):
            raise arguments.wrong("sinks", "objects with the methods of a Sink", sink)


def _share(value: int | str | None, what: str) -> Share | None:
    return None if value is None else Share.parse(str(value), what)
